"""Where a client's packets go: interleaved in its RTSP connection, or over UDP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence

from sewu.simulate.server.media import FRAMING_BYTES, Picture, packet_ranges

Address = tuple[str, int] | tuple[str, int, int, int]


class SinkState:
    """What every sink counts. `packets` and `octets` are what the sender report says."""

    def __init__(self) -> None:
        self.channel = 0
        self.wants_keyframe = True
        self.packets = 0
        self.octets = 0
        self.dropped = 0
        self.next_report_s = 0.0


class TcpSink(SinkState):
    """RTP and RTCP between the answers of one RTSP connection (RFC 2326 section 10.12)."""

    def __init__(self, transport: asyncio.Transport, channels: tuple[int, int], backlog_bytes: int) -> None:
        super().__init__()
        self.channel, self._rtcp_channel = channels
        self._transport = transport
        self._backlog_bytes = backlog_bytes

    def has_room(self) -> bool:
        return self._transport.get_write_buffer_size() <= self._backlog_bytes

    def send(self, block: bytearray, picture: Picture) -> None:
        self._transport.write(block)

    def send_packets(self, block: bytes, ranges: Sequence[tuple[int, int]]) -> None:
        self._transport.write(b"".join(block[start - FRAMING_BYTES : end] for start, end in ranges))

    def send_noise(self, noise: bytes) -> None:
        if self.has_room():
            self._transport.write(noise)

    def send_report(self, packet: bytes) -> None:
        self._transport.write(b"$" + bytes([self._rtcp_channel]) + len(packet).to_bytes(2, "big") + packet)


class UdpSink(SinkState):
    """RTP and RTCP from the server's two UDP ports to the client's two."""

    def __init__(self, sockets: tuple[socket.socket, socket.socket], rtp: Address, rtcp: Address) -> None:
        super().__init__()
        self._rtp_socket, self._rtcp_socket = sockets
        self.rtp, self.rtcp = rtp, rtcp

    def has_room(self) -> bool:
        return True

    def send(self, block: bytearray, picture: Picture) -> None:
        self._send_all(memoryview(block), packet_ranges(picture))

    def send_packets(self, block: bytes, ranges: Sequence[tuple[int, int]]) -> None:
        self._send_all(memoryview(block), ranges)

    def send_noise(self, noise: bytes) -> None:
        self._send_all(memoryview(noise), [(0, len(noise))])

    def send_report(self, packet: bytes) -> None:
        try:
            self._rtcp_socket.sendto(packet, self.rtcp)
        except OSError:
            self.dropped += 1

    def _send_all(self, block: memoryview, ranges: Sequence[tuple[int, int]]) -> None:
        send, to = self._rtp_socket.sendto, self.rtp
        try:
            for start, end in ranges:
                send(block[start:end], to)
        except OSError:
            # The socket's buffer is full or the client is gone: as on a real network, the rest of the picture is lost.
            self.dropped += 1
