"""Writing so that a kill or a full disk leaves either the old file or the new one."""

from __future__ import annotations

import errno
import os
import re
from contextlib import suppress
from pathlib import Path

from sewu.base.errors import SewuError, StoreFull

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
MAX_NAME = 80


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut.

    Raises:
        StoreFull: the disk did not take it. SewuError: it may not be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise refused(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def refused(path: Path, error: OSError) -> SewuError:
    """The error to raise when the system did not let us write `path`."""
    if error.errno in FULL:
        return StoreFull(f"{path} could not be written: the disk is full.", "Free some space; what was stored before is safe.")
    return SewuError(f"{path} could not be written: {error.strerror}.", "Check the folder and its permissions.")


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def safe_name(text: str) -> str:
    """A file name made of `text`: no separators, no leading dot, never empty."""
    return UNSAFE.sub("-", text).strip(".-")[:MAX_NAME] or "unnamed"
