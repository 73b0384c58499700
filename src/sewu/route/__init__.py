"""Incident -> Dispatch: which agency is told, over which channel, until it is told."""
