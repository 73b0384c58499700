"""Everything -> screens."""
