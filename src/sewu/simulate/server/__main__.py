"""`python -m sewu.simulate.server PLAN.json CONTROL.json`: serve until SIGTERM or SIGINT. Started by `serve_in_process`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from sewu.base.errors import SewuError
from sewu.base.settings import load_settings
from sewu.simulate.server.plan import ServerPlan
from sewu.simulate.server.server import CameraServer
from sewu.simulate.server.until import allow_many_connections, until_told


async def _serve(plan: ServerPlan, control_file: Path) -> None:
    async with CameraServer(plan) as server:
        server.write_control_file(control_file)
        await until_told()


def main() -> int:
    """Exit code 0 when told to stop."""
    allow_many_connections()
    try:
        asyncio.run(_serve(load_settings(ServerPlan, Path(sys.argv[1])), Path(sys.argv[2])))
    except SewuError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
