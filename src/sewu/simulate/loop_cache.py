"""A folder of rendered loops with a limit: what was used longest ago goes first, and never what somebody uses.

Each loop has a lock file (flock, shared while it is used, exclusive while it is made or removed), so several processes may share the
folder; a lock ends with its process, however that ends.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LIMIT_BYTES = 4 * 10**9
"""About 100 minutes of 1080p loops with their sub-streams and truth."""
READY = "loop.json"
"""A folder without it is not a whole loop."""
LOCKS = ".locks"


@dataclass(frozen=True, slots=True)
class Room:
    """used_bytes: of all loops after making room. removed: names."""

    used_bytes: int
    removed: tuple[str, ...]


@contextmanager
def holding(cache: Path, name: str, make: Callable[[Path], None]) -> Iterator[Path]:
    """The folder of a loop, made if it is missing; nobody removes it before the end of the block.

    Args:
        make: fills a new folder; what it leaves is put in place whole, or not at all when it raises.

    Raises:
        OSError: the cache cannot be written.
    """
    folder = cache / name
    with _open_lock(cache, name) as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        while not (folder / READY).is_file():
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / READY).is_file():
                _make(folder, make)
            # Changing the kind of a flock may let somebody in between: look again.
            fcntl.flock(lock, fcntl.LOCK_SH)
        os.utime(folder / READY)
        yield folder


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir(parents=True)
        make(new)
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def make_room(cache: Path, limit_bytes: int = LIMIT_BYTES) -> Room:
    """Remove loops, the longest unused first, until the rest fits; those in use stay even if that is too much.

    Raises:
        OSError: the cache cannot be read or written.
    """
    if not cache.is_dir():
        return Room(0, ())
    with _open_lock(cache, ".room") as room:
        fcntl.flock(room, fcntl.LOCK_EX)
        for left in [*cache.glob(".*.new"), *cache.glob(".*.gone")]:
            # Of a process that was killed, or somebody's work: then it is locked.
            _remove(left, left.name[1:].rpartition(".")[0], left)
        sizes = {path: used_bytes(path) for path in cache.iterdir() if (path / READY).is_file()}
        total, removed = sum(sizes.values()), []
        for path in sorted(sizes, key=_last_used):
            if total <= limit_bytes:
                break
            if _remove(path, path.name, path.with_name(f".{path.name}.gone")):
                total -= sizes[path]
                removed.append(path.name)
    return Room(total, tuple(removed))


def _remove(folder: Path, name: str, by_way_of: Path) -> bool:
    """Remove a folder at once unless its loop is in use; True when it is gone."""
    with _open_lock(folder.parent, name) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if by_way_of != folder:
            folder.rename(by_way_of)
        shutil.rmtree(by_way_of, ignore_errors=True)
    return True


def used_bytes(folder: Path) -> int:
    """Of all files in and below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _last_used(folder: Path) -> tuple[float, str]:
    try:
        return (folder / READY).stat().st_mtime, folder.name
    except FileNotFoundError:
        return 0.0, folder.name


@contextmanager
def _open_lock(cache: Path, name: str) -> Iterator[int]:
    """The lock file stays: a lock on a file that was removed would lock nothing."""
    (cache / LOCKS).mkdir(parents=True, exist_ok=True)
    file = os.open(cache / LOCKS / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield file
    finally:
        os.close(file)
