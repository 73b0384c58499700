"""The side process of one camera that does not send over TCP: `python -m sewu.connect.rtsp.sideprocess`.

What to receive comes as one line of JSON on the standard input, so that no password stands in the list of processes;
packets leave on the standard output (see `handing`). When the input closes, whoever started it is gone, and it ends.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import BinaryIO

from sewu.base.clock import SystemClock
from sewu.base.errors import SewuError
from sewu.connect.ffmpeg import LiveSource
from sewu.connect.rtsp.handing import of_failure, of_packet, of_stream


def main(commands: BinaryIO, out: BinaryIO) -> None:
    """Receive one camera until it breaks off or the caller goes."""
    about = json.loads(commands.readline())
    threading.Thread(target=_end_with, args=(commands,), daemon=True).start()
    clock = SystemClock()
    try:
        source = LiveSource(about["url"], about["camera_id"], clock, "udp")
        out.write(of_stream(source.stream, clock.cpu_s()))
        for packet in source:
            out.write(of_packet(packet, clock.cpu_s()))
            out.flush()
    except SewuError as error:
        out.write(of_failure(error, clock.cpu_s()))
    except BrokenPipeError:
        os._exit(1)
    out.flush()


def _end_with(commands: BinaryIO) -> None:
    """Wait for the end of the input; the receiving thread may be deep in FFmpeg and is not asked."""
    commands.read()
    os._exit(0)


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
