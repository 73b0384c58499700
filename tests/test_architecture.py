"""The rules that the linters do not know: sizes, names, docs for every analytic."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src" / "sewu").rglob("*.py"))
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT / "src")))
def test_files_and_functions_stay_within_their_budget(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_FILE_LINES, "split it: one file, one thing"
    for function in functions(ast.parse(text)):
        first = function.body[0]
        has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
        start = (first.end_lineno or first.lineno) if has_docstring else function.lineno
        assert (function.end_lineno or start) - start <= MAX_FUNCTION_LINES, f"{function.name} is too long"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT / "src")))
def test_every_module_says_what_it_is_for(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert (path.name == "__init__.py" and not tree.body) or ast.get_docstring(tree), "a module docstring is missing"
    assert path.stem not in FORBIDDEN_NAMES, "a name that says nothing"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT / "src")))
def test_only_the_clock_asks_the_system_for_the_time(path: Path) -> None:
    if path.name == "clock.py" or path.parts[-2] == "bench":
        return
    calls = {"time.time", "time.monotonic", "datetime.now", "datetime.utcnow", "time.time_ns"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            assert f"{node.func.value.id}.{node.func.attr}" not in calls, f"line {node.lineno}: take a Clock"
