"""Event -> Incident: what belongs together becomes one thing that a person acts on, with a clock, a history and evidence."""
