"""Detections -> Tracks: who is where, and stays the same."""
