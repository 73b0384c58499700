"""Our own lean RTSP client: thousands of cameras received in one thread."""
