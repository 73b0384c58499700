"""Cameras that are not there: RTSP, HLS and MJPEG from files kept in memory, with faults on command."""

from sewu.simulate.server.faults import FAULT_KINDS, Fault, fault
from sewu.simulate.server.plan import ServedCamera, ServerPlan, ServerSettings, StreamFile
from sewu.simulate.server.running import RunningServer, serve_in_process, serve_in_thread
from sewu.simulate.server.server import CameraServer, Moment

__all__ = [
    "FAULT_KINDS",
    "CameraServer",
    "Fault",
    "Moment",
    "RunningServer",
    "ServedCamera",
    "ServerPlan",
    "ServerSettings",
    "StreamFile",
    "fault",
    "serve_in_process",
    "serve_in_thread",
]
