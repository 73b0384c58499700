"""Observation -> Event: rules with hysteresis."""
