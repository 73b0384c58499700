"""Is the camera fit to be believed: dark, blurred, covered, frozen, moved, slow."""

from sewu.measure.health.analytic import Health, reference_of

__all__ = ["Health", "reference_of"]
