"""One camera's life, top to bottom, on one page."""
