"""Packet -> Frame: keyframes now and then, or every frame while something is followed."""
