"""One file per resource; each route declares the right it needs."""
