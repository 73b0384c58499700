"""Camera -> Packet: files, HTTP and RTSP streams; retry; the ring of the last seconds."""
