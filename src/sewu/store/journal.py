"""An append-only file of records that survives a kill at any moment.

Each record is framed by its length and CRC-32. A record is stored once `append` has returned: it is on the disk then.
What a kill cut off in the middle is recognised when the file is opened again, and cut away; nothing before it is lost.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from sewu.base.errors import Unavailable
from sewu.store.files import refused

HEADER = struct.Struct("<II")
MAX_RECORD_BYTES = 64 << 20


class Journal:
    """One file, one writer."""

    def __init__(self, path: Path) -> None:
        """Open or create; an incomplete end is cut away.

        Raises:
            Unavailable: another process has it open. StoreFull, SewuError: the system refused.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
            self._lock()
            self._good_bytes = sum(HEADER.size + len(record) for record in self)
            self._cut()
        except OSError as error:
            raise refused(path, error) from error

    def append(self, record: bytes) -> None:
        """Store a record. When it raises (`StoreFull`), the file is as it was before."""
        framed = HEADER.pack(len(record), zlib.crc32(record)) + record
        try:
            self._file.seek(self._good_bytes)
            written = 0
            while written < len(framed):
                written += self._file.write(framed[written:])
            os.fdatasync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                self._cut()
            raise refused(self.path, error) from error
        self._good_bytes += len(framed)

    def __iter__(self) -> Iterator[bytes]:
        """The records, oldest first, up to the first that is not whole."""
        self._file.seek(0)
        yield from records(self._file)

    def close(self) -> None:
        self._file.close()

    def _lock(self) -> None:
        """One writer: held until closed, or until the process is gone."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise Unavailable(f"{self.path} is being written by another process.", "Stop that one, or choose another folder.") from error

    def _cut(self) -> None:
        self._file.truncate(self._good_bytes)
        os.fdatasync(self._file.fileno())


def records(file: BinaryIO | FileIO) -> Iterator[bytes]:
    """The records from here on, oldest first, up to the first that is not whole."""
    while True:
        header = file.read(HEADER.size)
        if len(header) < HEADER.size:
            return
        size, checksum = HEADER.unpack(header)
        record = file.read(size) if size <= MAX_RECORD_BYTES else b""
        if len(record) != size or zlib.crc32(record) != checksum:
            return
        yield record
