"""An append-only file of records that survives a kill at any moment.

Each record is framed by its length and CRC-32. A record is stored once `append` has returned: it is on the disk then.
What a kill cut off in the middle is recognised when the file is opened again, and cut away; nothing before it is lost.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sewu.store.files import refused

HEADER = struct.Struct("<II")
MAX_RECORD_BYTES = 64 << 20


class Journal:
    """One file, one writer."""

    def __init__(self, path: Path) -> None:
        """Open or create; an incomplete end is cut away. Raises `StoreFull` or `SewuError`."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
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
        while True:
            header = self._file.read(HEADER.size)
            if len(header) < HEADER.size:
                return
            size, checksum = HEADER.unpack(header)
            record = self._file.read(size) if size <= MAX_RECORD_BYTES else b""
            if len(record) != size or zlib.crc32(record) != checksum:
                return
            yield record

    def close(self) -> None:
        self._file.close()

    def _cut(self) -> None:
        self._file.truncate(self._good_bytes)
        os.fdatasync(self._file.fileno())
