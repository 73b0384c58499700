"""Packet -> Packet: which packets deserve decoding."""
