"""Detections -> Tracks: who is where, and stays the same."""

from sewu.follow.settings import TrackerSettings
from sewu.follow.tracker import ByteOcTracker

__all__ = ["ByteOcTracker", "TrackerSettings"]
