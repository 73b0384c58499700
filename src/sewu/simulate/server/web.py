"""The HTTP side of the cameras: HLS, MJPEG, stills, ONVIF.

/CAM/main/live.m3u8   /CAM/main/init.mp4   /CAM/main/segment17.m4s
/CAM/main/video.mjpg  /CAM/main/still.jpg
/onvif/CAM/device     /onvif/CAM/media     (POST)
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import cast

from sewu.base.errors import SewuError
from sewu.simulate.server import onvif
from sewu.simulate.server.derived import Derived
from sewu.simulate.server.faults import ActiveFault
from sewu.simulate.server.http import Cut, HttpConnection, Reply, Silence, path_of
from sewu.simulate.server.hub import Hub
from sewu.simulate.server.media import CLOCK_HZ
from sewu.simulate.server.message import Request
from sewu.simulate.server.mjpeg import multipart
from sewu.simulate.server.plan import Quality
from sewu.simulate.server.playing import Playing

BOUNDARY = "sewu-picture"
NOT_FOUND = Reply(404, body=b"There is nothing here.\n")
LOOK_AGAIN_S = 0.25


class Web:
    """Answers for every camera of a server."""

    def __init__(self, hub: Hub, derived: Derived, addresses: onvif.Addresses) -> None:
        self._hub = hub
        self._derived = derived
        self._addresses = addresses
        self._security = onvif.Security(hub.clock)

    async def handle(self, request: Request, connection: HttpConnection) -> Reply:
        """One answer."""
        path = path_of(request)
        is_onvif = len(path) == 3 and path[0] == "onvif"
        camera_id = path[1] if is_onvif else path[0] if path else ""
        camera = self._hub.cameras.get(camera_id)
        if camera is None:
            return NOT_FOUND
        connection.camera_ids.add(camera_id)
        self._hub.attach(camera_id, connection)
        active = self._hub.faults.get(camera_id)
        reply = await self._suffer(active, connection, request)
        if reply is not None:
            return reply
        if is_onvif:
            locked_out = active is not None and active.kind == "wrong_password"
            return onvif.answer(request, camera, self._addresses, None if locked_out else self._security)
        now_s = self._hub.clock.steady_s()
        verdict = self._hub.guard.check(camera, request.header("authorization"), request.method, request.uri, now_s)
        if not verdict.passed or (active is not None and active.kind == "wrong_password"):
            return Reply(401, headers={"WWW-Authenticate": self._hub.guard.challenges(camera, now_s, verdict.stale)})
        if request.method != "GET" or len(path) != 3 or path[1] not in ("main", "sub"):
            return NOT_FOUND
        playing = self._hub.playing(camera_id, cast(Quality, path[1]))
        if playing is None:
            return NOT_FOUND
        try:
            return await self._file(path[2], playing)
        except SewuError as error:
            return Reply(500, body=f"{error}\n".encode())

    def closed(self, connection: HttpConnection) -> None:
        """A connection ended."""
        self._hub.detach(connection, connection.camera_ids)

    async def _suffer(self, active: ActiveFault | None, connection: HttpConnection, request: Request) -> Reply | None:
        """What a fault makes of a request; None when it is answered as usual."""
        if active is None:
            return None
        if active.is_down(self._hub.clock.steady_s()):
            raise Cut
        if active.kind in ("offline", "half_open"):
            raise Silence
        if active.kind == "garbage":
            connection.writer.write(active.noise(512))
            raise Cut
        if active.kind == "slow":
            await asyncio.sleep(active.what.delay_s)
        if active.kind == "redirect":
            target, _, hops = request.uri.partition("?hop=")
            count = int(hops) + 1 if hops.isascii() and hops.isdigit() and len(hops) < 7 else 1
            return Reply(302, headers={"Location": f"{target}?hop={count}"})
        return None

    async def _file(self, name: str, playing: Playing) -> Reply:
        media = playing.media
        if name in ("live.m3u8", "init.mp4") or name.endswith(".m4s"):
            packaged = await self._derived.hls(media)
            ticks = self._ticks(playing)
            if name == "live.m3u8":
                text = packaged.playlist(ticks, playing.epoch, playing.phase_ticks)
                return Reply(content_type="application/vnd.apple.mpegurl", body=text.encode())
            if name == "init.mp4":
                return Reply(content_type="video/mp4", body=packaged.init)
            number = re.fullmatch(r"segment(\d{1,15})\.m4s", name)
            if number is None or int(number[1]) > packaged.newest_at(ticks):
                return NOT_FOUND
            return Reply(content_type="video/iso.segment", body=packaged.segment(int(number[1])) or b"")
        if name == "video.mjpg":
            await self._derived.stills(media)
            kind = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
            return Reply(content_type=kind, chunks=self._pictures(playing))
        if name == "still.jpg":
            return Reply(content_type="image/jpeg", body=(await self._derived.stills(media)).at(self._ticks(playing) % media.loop_ticks))
        return NOT_FOUND

    def _ticks(self, playing: Playing) -> int:
        """Where the stream is; where it stopped, when it is stalled or frozen."""
        active = playing.fault
        stopped = active is not None and active.kind in ("stall", "frozen")
        return playing.ticks_at(active.since_s if active is not None and stopped else self._hub.clock.steady_s())

    async def _pictures(self, playing: Playing) -> AsyncIterator[bytes]:
        stills = await self._derived.stills(playing.media)
        every_s = 1 / self._hub.plan.server.mjpeg_fps
        while True:
            active = playing.fault
            if active is not None and active.is_down(self._hub.clock.steady_s()):
                raise Cut
            if active is not None and active.kind in ("stall", "offline", "half_open"):
                await asyncio.sleep(LOOK_AGAIN_S)
                continue
            if active is not None and active.kind == "garbage":
                yield active.noise(512)
            else:
                yield multipart(stills.at(self._ticks(playing) % playing.media.loop_ticks), BOUNDARY)
            # Sleep to the next step of the tape, so that clients of one camera see the same pictures.
            position_s = playing.ticks_at(self._hub.clock.steady_s()) / CLOCK_HZ
            await asyncio.sleep(every_s - position_s % every_s)
