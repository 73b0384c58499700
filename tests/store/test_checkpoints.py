"""States survive a kill, damage of one is no damage to others, stale workers are fenced off."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sewu.base.errors import StoreFull
from sewu.store.checkpoints import Checkpoints

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(st.dictionaries(st.text(min_size=1, max_size=8), st.dictionaries(st.text(max_size=4), json_values, max_size=3), max_size=4))
def test_what_is_saved_comes_back_exactly(tmp_path: Path, states: dict[str, dict[str, object]]) -> None:
    store = Checkpoints(tmp_path / "c.sqlite")
    assert store.save(store.next_epoch(), states, 5.0) == len(states)
    store.close()
    again = Checkpoints(tmp_path / "c.sqlite")
    assert again.load(states) == states
    again.close()


def test_a_worker_thought_dead_cannot_overwrite_its_successor(tmp_path: Path) -> None:
    store = Checkpoints(tmp_path / "c.sqlite")
    store.save(7, {"a": {"n": 1}}, 1.0)
    assert store.next_epoch() == 8
    assert store.save(8, {"a": {"n": 2}}, 2.0) == 1
    assert store.save(7, {"a": {"n": 99}, "b": {"n": 1}}, 3.0) == 1
    assert store.load(["a", "b"]) == {"a": {"n": 2}, "b": {"n": 1}}
    store.close()


def test_one_damaged_state_leaves_the_others_readable(tmp_path: Path) -> None:
    store = Checkpoints(tmp_path / "c.sqlite")
    store.save(1, {"a": {"n": 1}, "b": {"n": 2}}, 1.0)
    with sqlite3.connect(tmp_path / "c.sqlite") as db:
        db.execute("update checkpoint set state = x'00ff' where camera_id = 'a'")
    db.close()
    assert store.load(["a", "b", "never seen"]) == {"b": {"n": 2}}
    store.close()


def test_a_folder_that_refuses_gives_advice(tmp_path: Path) -> None:
    (tmp_path / "c.sqlite").write_bytes(b"this is no database, it is a text file of some length" * 50)
    with pytest.raises(StoreFull, match="could not be written"):
        Checkpoints(tmp_path / "c.sqlite")


def test_a_killed_writer_leaves_the_last_whole_save(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    program = (
        "import sys; from pathlib import Path; from sewu.store.checkpoints import Checkpoints\n"
        "store = Checkpoints(Path(sys.argv[1]))\n"
        "for n in range(10**6):\n"
        "    store.save(1, {f'c{i}': {'n': n} for i in range(20)}, float(n))\n"
        "    print(n, flush=True)\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=dict(os.environ)
    )
    assert writer.stdout is not None
    try:
        said = -1
        for line in writer.stdout:
            said = int(line)
            if said >= 15:
                break
        writer.send_signal(signal.SIGKILL)
        writer.wait(timeout=10)
    finally:
        writer.kill()
        writer.stdout.close()
        writer.wait(timeout=10)
    store = Checkpoints(path)
    states = store.load(f"c{i}" for i in range(20))
    store.close()
    numbers = {state["n"] for state in states.values()}
    assert len(states) == 20
    assert len(numbers) == 1, "a save is whole or not there"
    assert numbers.pop() >= said
