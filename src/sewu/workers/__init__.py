"""Many cameras: local processes."""
