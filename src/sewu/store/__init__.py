"""Memory: observations, events, stills and clips."""
