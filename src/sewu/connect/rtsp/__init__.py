"""Our own lean RTSP client: thousands of cameras received in one thread."""

from sewu.connect.rtsp.auth import Login
from sewu.connect.rtsp.poller import ConnectionState, RtspPoller

__all__ = ["ConnectionState", "Login", "RtspPoller"]
