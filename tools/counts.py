"""Adds up JUnit files: how many tests passed, failed and were skipped."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

totals = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
for name in sys.argv[1:]:
    if Path(name).exists():
        for suite in ElementTree.parse(name).getroot().iter("testsuite"):  # noqa: S314
            for key in totals:
                totals[key] += int(suite.get(key, 0))
bad = totals["failures"] + totals["errors"]
print(f"{totals['tests'] - bad - totals['skipped']} passed, {bad} failed, {totals['skipped']} skipped")
