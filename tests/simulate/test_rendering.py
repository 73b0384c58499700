"""Several loops at once, each in a process of its own; skipped where EGL is missing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from sewu.base.errors import BadSettings, Unavailable
from sewu.simulate.loops import LoopRecipe, render_loop
from sewu.simulate.rendering import Share, render_missing
from sewu.simulate.scenes.render import open_context

TINY = [LoopRecipe("carpark", seed, 1, size_px=(64, 64), rate_fps=10) for seed in (1, 2)]
RUN = """
from pathlib import Path
from sewu.simulate.loops import LoopRecipe
from sewu.simulate.rendering import render_missing
if __name__ == "__main__":
    recipes = [LoopRecipe("carpark", seed, 600, size_px=(64, 64)) for seed in (1, 2)]
    render_missing(recipes, Path("cache"), lambda share: print(flush=True), 2)
"""


@pytest.fixture(scope="module", autouse=True)
def egl() -> None:
    try:
        open_context().release()
    except Unavailable as error:
        pytest.skip(str(error))


def test_loops_rendered_side_by_side_are_those_rendered_alone(tmp_path: Path) -> None:
    told: list[Share] = []
    assert render_missing(TINY, tmp_path / "both", told.append, processes=2) == TINY
    assert told[-1] == Share(2, 1.0) and len(told) > 2
    assert [share.done for share in told] == sorted(share.done for share in told)
    alone = render_loop(TINY[1], tmp_path / "alone")
    for name in ("truth/gt.txt", "truth/counts.csv", "scene.toml", "loop.json"):
        assert (tmp_path / "both" / alone.folder.name / name).read_bytes() == (alone.folder / name).read_bytes()
    assert render_missing(TINY, tmp_path / "both", told.append) == []


def test_what_cannot_be_rendered_says_why_and_leaves_no_process_behind(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="queue cannot happen"):
        render_missing([LoopRecipe("carpark", 1, 60, ("queue",)), LoopRecipe("carpark", 3, 600)], tmp_path, processes=2)
    assert not [child for child in active_children() if child.name.startswith("SpawnProcess")]


def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(RUN)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, str(tmp_path / "run.py")]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline(), "it renders"
        process.kill()
        process.wait(5)
        deadline = time.monotonic() + 15
        while _alive(process.pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not _alive(process.pid)
    finally:
        if _alive(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
        process.wait(5)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
