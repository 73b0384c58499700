"""A small painted street for machines without OpenGL: enough to see Sewu work, with known truth."""
