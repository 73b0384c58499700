"""Download a file so that it is either wholly there or not there, and go on where an earlier attempt stopped.

RFC 9110: a range request (section 14.2) is conditional on the validator of the first part (If-Range, 13.1.5),
so a file that changed on the server is fetched anew instead of being pieced together from two versions.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from sewu.base.clock import Clock, SystemClock
from sewu.base.errors import BadModel, Refused, Retry, SewuError, StoreFull, StreamBroken

CHUNK_BYTES = 1 << 16
MAX_BYTES = 4 << 30
MAX_REDIRECTS = 8
ATTEMPTS = 4
PAUSE_S = 2.0
TIMEOUT_S = 30.0
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and the bytes there will be, None when the server does not say."""
OFFLINE = "Check the network (HTTPS_PROXY is honoured), or copy the file from another machine: `sewu models add FILE`."


@dataclass(frozen=True, slots=True)
class Download:
    """What to fetch, and where to.

    sha256: acceptable hashes; empty: take what comes (the caller has decided so and pins the hash afterwards).
    """

    url: str
    target: Path
    sha256: tuple[str, ...] = ()
    timeout_s: float = TIMEOUT_S
    attempts: int = ATTEMPTS
    pause_s: float = PAUSE_S


def download(what: Download, progress: Progress | None = None, clock: Clock | None = None) -> str:
    """Fetch `what.url` to `what.target`; returns the SHA-256.

    Redirects are followed and HTTP(S)_PROXY is honoured. A broken transfer is taken up again, in this call and in
    a later one. The target appears in one step, after its hash was found right.

    Raises:
        Refused: the server says no (4xx). Retry: it cannot be reached, breaks off, or another process is pulling.
        BadModel: the hash is wrong; nothing is kept. StoreFull: the disk did not take it.
    """
    clock = clock or SystemClock()
    report = progress or _silent
    part = what.target.with_name(f".{what.target.name}.part")
    with _disk(what.target), _exclusive(part) as file:
        for attempt in range(1, what.attempts + 1):
            try:
                _fetch(what, file, part, report)
                break
            except StreamBroken:
                if attempt == what.attempts:
                    raise
                clock.sleep(what.pause_s)
        digest = _digest(file)
        if what.sha256 and digest not in what.sha256:
            _discard(part)
            raise BadModel(
                f"{what.url} gave a file with SHA-256 {digest}, its card names {' or '.join(what.sha256)}.",
                "Do not use it: the file was changed on the way or at its source. Try another network, or correct the card.",
            )
        file.flush()
        os.fsync(file.fileno())
        part.replace(what.target)
        _validator_path(part).unlink(missing_ok=True)
        _sync_folder(what.target.parent)
        return digest


def _silent(_done: int, _total: int | None) -> None:
    return


def _fetch(what: Download, file: IO[bytes], part: Path, report: Progress) -> None:
    """One request; appends to the part when the server agrees that it is the same file."""
    have = file.seek(0, os.SEEK_END)
    validator = _read_validator(part, what.url) if have else None
    if validator is None:
        have = 0
    headers = {"Accept-Encoding": "identity"}
    if have and validator is not None:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    try:
        with _client(what.timeout_s) as client, client.stream("GET", what.url, headers=headers) as answer:
            if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and have:
                _forget(file, part)
                raise StreamBroken(f"{what.url} has no more bytes than the part here.", OFFLINE)
            _check_status(answer, what.url)
            resumed = answer.status_code == httpx.codes.PARTIAL_CONTENT and answer.headers.get("Content-Range", "").startswith(
                f"bytes {have}-"
            )
            if not resumed:
                have = 0
                _forget(file, part)
                _write_validator(part, what.url, answer)
            file.seek(have)
            file.truncate()
            _receive(answer, file, have, report)
    except httpx.TooManyRedirects as error:
        raise Refused(f"{what.url} redirects in circles.", "Open it in a browser, and correct the card's url.") from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.ProxyError) as error:
        raise Refused(f"{what.url} cannot be fetched: {error}.", "Correct the card's url, or HTTPS_PROXY.") from error
    except httpx.HTTPError as error:
        raise StreamBroken(f"{what.url} cannot be fetched: {type(error).__name__}: {error}.", OFFLINE) from error


def _client(timeout_s: float) -> httpx.Client:
    return httpx.Client(follow_redirects=True, max_redirects=MAX_REDIRECTS, timeout=timeout_s)


def _check_status(answer: httpx.Response, url: str) -> None:
    status = answer.status_code
    if status in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
        return
    if status >= 500 or status in (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS):
        raise StreamBroken(f"{url} answered {status}.", "Try again later.")
    raise Refused(f"{url} answered {status}.", "Check the card's url, or get the file by hand: `sewu models add FILE`.")


def _receive(answer: httpx.Response, file: IO[bytes], have: int, report: Progress) -> None:
    length = answer.headers.get("Content-Length", "")
    total = have + int(length) if length.isdigit() else None
    report(have, total)
    # Pieces as they arrive: chunks of one size would lose what was gathered when the transfer breaks.
    for chunk in answer.iter_raw():
        have += len(chunk)
        if have > MAX_BYTES:
            raise Refused(f"{answer.url} is larger than {MAX_BYTES >> 30} GiB.", "Correct the card's url: that is no detector.")
        file.write(chunk)
        report(have, total)
    file.flush()


def _read_validator(part: Path, url: str) -> str | None:
    """The strong validator of the bytes in the part, if they are of this URL."""
    try:
        noted = json.loads(_validator_path(part).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    same = isinstance(noted, dict) and noted.get("url") == url and isinstance(noted.get("validator"), str)
    return noted["validator"] if same else None


def _write_validator(part: Path, url: str, answer: httpx.Response) -> None:
    etag, modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
    # A weak ETag may not be used with If-Range (RFC 9110, 13.1.5).
    validator = etag if etag and not etag.startswith("W/") else modified
    if validator:
        _validator_path(part).write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")


def _validator_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _forget(file: IO[bytes], part: Path) -> None:
    file.seek(0)
    file.truncate()
    _validator_path(part).unlink(missing_ok=True)


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _validator_path(part).unlink(missing_ok=True)


def _digest(file: IO[bytes]) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


@contextlib.contextmanager
def _exclusive(part: Path) -> Iterator[IO[bytes]]:
    """The part, opened so that two pulls of one model do not write into each other."""
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("a+b") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Retry(f"Another process is pulling {part.name[1:-5]}.", "Wait for it to end.") from error
        # "a" may only append, and a resumed file must be cut and overwritten; the lock stays with `opened`.
        try:
            with part.open("r+b") as file:
                yield file
        finally:
            if part.exists() and part.stat().st_size == 0:
                _discard(part)


@contextlib.contextmanager
def _disk(target: Path) -> Iterator[None]:
    """Say in our words what the disk refuses; a full disk keeps no part, for that would keep it full."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            _discard(target.with_name(f".{target.name}.part"))
            raise StoreFull(f"The disk of {target.parent} is full: {target.name} was not stored.", "Make room and pull again.") from error
        raise SewuError(
            f"{target} cannot be written: {error.strerror}.", "Check the folder and its permissions, or set SEWU_MODELS."
        ) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
