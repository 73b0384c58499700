"""A bounded cache that several processes share."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from sewu.simulate.loop_cache import READY, holding, make_room, used_bytes

SIZE = 1000


def fill(folder: Path) -> None:
    (folder / "main.mp4").write_bytes(b"x" * (SIZE - 2))
    (folder / READY).write_text("{}")


def refuse(folder: Path) -> None:
    raise AssertionError("made again")


def put(cache: Path, name: str, used_s: float) -> None:
    with holding(cache, name, fill) as folder:
        os.utime(folder / READY, (used_s, used_s))


def test_a_loop_is_made_once_and_used_again(tmp_path: Path) -> None:
    with holding(tmp_path, "a", fill) as folder:
        assert used_bytes(folder) == SIZE
    with holding(tmp_path, "a", refuse) as folder:
        assert folder == tmp_path / "a"


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    for name, used_s in (("a", 300.0), ("b", 100.0), ("c", 200.0), ("d", 400.0)):
        put(tmp_path, name, used_s)
    room = make_room(tmp_path, 2 * SIZE)
    assert room.removed == ("b", "c") and room.used_bytes == 2 * SIZE
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.startswith(".")) == ["a", "d"]
    assert make_room(tmp_path, 2 * SIZE).removed == ()


def test_using_a_loop_makes_it_young(tmp_path: Path) -> None:
    put(tmp_path, "a", 100.0)
    put(tmp_path, "b", 200.0)
    with holding(tmp_path, "a", refuse):
        pass
    assert make_room(tmp_path, SIZE).removed == ("b",)


def test_a_loop_in_use_is_never_removed(tmp_path: Path) -> None:
    with ExitStack() as held:
        for name in ("a", "b"):
            held.enter_context(holding(tmp_path, name, fill))
        room = make_room(tmp_path, 0)
        assert room.removed == () and room.used_bytes == 2 * SIZE
    assert set(make_room(tmp_path, 0).removed) == {"a", "b"}


def test_a_loop_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "main.mp4").write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), holding(tmp_path, "a", fail):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [".locks"]
    with holding(tmp_path, "a", fill) as folder:
        assert (folder / READY).is_file()


def test_an_empty_or_missing_cache_has_room(tmp_path: Path) -> None:
    assert make_room(tmp_path, 0).used_bytes == 0
    assert make_room(tmp_path / "none", 0).used_bytes == 0


CHILD = """
import sys, time
from pathlib import Path
from sewu.simulate.loop_cache import holding
def make(folder):
    with open(sys.argv[2], "a") as log: log.write("made\\n")
    time.sleep(0.3)
    (folder / "loop.json").write_text("{}")
with holding(Path(sys.argv[1]), "a", make):
    with open(sys.argv[2], "a") as log: log.write("held\\n")
    sys.stdin.read()
"""


def test_two_processes_make_it_once_and_both_keep_it(tmp_path: Path) -> None:
    cache, log = tmp_path / "cache", tmp_path / "log"
    command = [sys.executable, "-c", CHILD, str(cache), str(log)]
    children = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
    try:
        for _ in range(200):
            if log.is_file() and log.read_text().count("held") == 2:
                break
            time.sleep(0.05)
        assert log.read_text().splitlines() == ["made", "held", "held"]
        assert make_room(cache, 0).removed == ()
        # A process that is killed no longer holds it.
        children[0].kill()
        children[0].wait(5)
        assert make_room(cache, 0).removed == ()
        children[1].kill()
        children[1].wait(5)
        assert make_room(cache, 0).removed == ("a",)
    finally:
        for child in children:
            child.kill()
            child.wait(5)
            if child.stdin is not None:
                child.stdin.close()
