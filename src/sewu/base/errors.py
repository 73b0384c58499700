"""The one error tree: every error says what happened and what to do about it.

SewuError
├── BadInput            what the user gave us is wrong            exit code 2
│   ├── BadSettings     a zones, rules, card or settings file
│   ├── BadSource       a clip or stream that cannot be read
│   ├── BadModel        a model or its card
│   ├── NotFound        there is none of this id, or not for this reader
│   └── Conflict        it does not allow this now, or was changed meanwhile
├── Retry               may work later; a supervisor tries again  exit code 3
│   ├── CameraUnreachable
│   ├── StreamBroken
│   └── StoreUnavailable   the database is away
├── Refused             the camera said no: trying again is useless until a person acts
├── Unavailable         a part this machine lacks (a library, a GPU, a driver)
└── StoreFull           the disk did not take it                  exit code 4
"""

from __future__ import annotations

from typing import ClassVar


class SewuError(Exception):
    """Anything Sewu knows how to explain.

    Args:
        what: what happened, one sentence, naming the file, camera or value.
        advice: what the reader can do about it, one sentence in the imperative.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.what} {self.advice}"

    def __reduce__(self) -> tuple[type[SewuError], tuple[str, str]]:
        """Survive the trip between worker processes, which pickles exceptions."""
        return type(self), (self.what, self.advice)


class BadInput(SewuError):
    """What the user gave cannot be used; nothing was started."""

    exit_code = 2


class BadSettings(BadInput):
    """A settings, zones, rules or card file is malformed or names something unknown."""


class BadSource(BadInput):
    """A clip or stream cannot be opened or holds no video."""


class BadModel(BadInput):
    """A model file or its card cannot be used, or its hash is not the card's."""


class NotFound(BadInput):
    """There is none of this id, or it lies outside of what the reader may see; which of the two is not told."""


class Conflict(BadInput):
    """What was asked does not fit the state that the thing is in now."""


class Retry(SewuError):
    """Failed now, may work later; whoever supervises waits and tries again."""

    exit_code = 3


class CameraUnreachable(Retry):
    """The camera did not answer."""


class StreamBroken(Retry):
    """The stream ended, stalled or sent bytes that make no sense."""


class StoreUnavailable(Retry):
    """The database does not answer, or is busy for too long; nothing of the call was stored."""


class Refused(SewuError):
    """The camera or server refused us: wrong password, unknown path, not allowed."""

    exit_code = 3


class Unavailable(SewuError):
    """This machine lacks a part that was asked for."""

    exit_code = 2


class StoreFull(SewuError):
    """The disk refused a write; what was reported as stored before is safe."""

    exit_code = 4
