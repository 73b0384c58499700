"""The protocols: one clip or set each, fixed before anything was run on it."""
