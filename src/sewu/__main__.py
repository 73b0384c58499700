"""`python -m sewu`."""

from sewu.cli import main

main()
