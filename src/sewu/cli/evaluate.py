"""`sewu evaluate`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

HEADER = """# Measured error

Written by `sewu evaluate`; not edited by hand. Real footage and simulated scenes are reported apart. Nothing was tuned on a clip
that it is judged on, except where the analytic's page says what was shaped after seeing it. "Not met" is said, not hidden.
"""


def evaluate(
    protocols: Annotated[list[str] | None, typer.Argument(help="Protocols to run; all when left out.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the labelled data; else SEWU_DATA.")] = None,
    write: Annotated[Path | None, typer.Option(help="Write the result as Markdown, for example docs/evaluation.md.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Measure the error on labelled footage: tracking, detection, counts, events."""
    from sewu.evaluate.sections import as_markdown
    from sewu.wiring.evaluation import evaluate as run

    console = Console(stderr=True)
    folder = data or Path(os.environ.get("SEWU_DATA", "data"))

    def on_section(name: str, result: Any) -> None:
        verdict = getattr(result, "verdict", None)
        console.print(f"{name}: {verdict if verdict else result}", highlight=False)

    sections = run(folder, tuple(protocols or ()), on_section)
    text = as_markdown(sections, HEADER)
    if write is not None:
        write.write_text(text, encoding="utf-8")
    if as_json:
        typer.echo(json.dumps([asdict(section) for section in sections], indent=1))
    elif write is None:
        typer.echo(text)
