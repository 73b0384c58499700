"""Sewu: every one of a city's ten thousand cameras watched by one ordinary server."""

__version__ = "0.1.0"
