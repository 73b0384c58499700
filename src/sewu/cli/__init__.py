"""The command line, thin: it reads options, calls the wiring, prints what came out."""

from __future__ import annotations

import sys

from sewu.base.errors import SewuError


def main() -> None:
    """Entry point of `sewu`: errors we know are printed in two sentences, with their exit code."""
    from sewu.cli.application import app  # heavy imports only once the name is known to be ours

    try:
        app()
    except SewuError as error:
        sys.stderr.write(f"sewu: {error.what}\n      {error.advice}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("sewu: stopped.\n")
        sys.exit(130)
