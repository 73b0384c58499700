"""Tracks, Frame -> Observation: one file per analytic."""
