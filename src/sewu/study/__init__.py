"""History -> answers."""
