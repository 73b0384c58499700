"""Events are upserted by id, mirrored as JSON Lines, all or none; a newer or foreign file is refused."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from sewu.base.errors import BadInput
from sewu.base.records import Event
from sewu.store.events import EventStore
from tests.store.test_observations import run_with_small_files

START = Event(
    "e1", "cam", "r", "gathering", "start", "medium", 100.0, 160.0, 5.0, 5.0, "persons", labels={"class": "person"}, box_px=(1, 2, 3, 4)
)
UPDATE = replace(START, phase="update", at_s=220.0, value=4.0, peak=7.0)
END = replace(UPDATE, phase="end", at_s=300.0, ended_at_s=290.0)


def test_one_row_per_event_with_its_newest_state(tmp_path: Path) -> None:
    store = EventStore(tmp_path)
    store.add([START])
    store.add([UPDATE, END])
    store.add([UPDATE])  # a late message changes nothing
    assert store.events() == [END]
    store.close()
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [line["phase"] for line in lines] == ["start", "update", "end", "update"]
    assert lines[2]["ended_at"] == "1970-01-01T00:04:50.000Z"
    again = EventStore(tmp_path)
    assert again.events() == [END]
    again.close()


def test_a_full_disk_stores_all_of_a_call_or_nothing(tmp_path: Path) -> None:
    program = """
import sys
from dataclasses import replace
from pathlib import Path
from sewu.base.errors import StoreFull
from sewu.base.records import Event
from sewu.store.events import EventStore
store = EventStore(Path(sys.argv[1]))
event = Event("e", "cam", "r", "k", "start", "low", 1.0, 1.0, 1.0, 1.0, "s")
n = 0
try:
    while True:
        store.add([replace(event, id=f"{n}-{i}") for i in range(10)]); n += 1
except StoreFull: print(n)
"""
    said = int(run_with_small_files(program, tmp_path, 120_000))
    store = EventStore(tmp_path)
    assert len(store.events()) == said * 10
    store.close()
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == said * 10


def test_a_newer_or_foreign_file_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "events.sqlite") as db:
        db.execute("pragma user_version = 99")
    db.close()
    with pytest.raises(BadInput, match="newer Sewu"):
        EventStore(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "events.sqlite").write_text("this is not a database at all" * 100)
    with pytest.raises(BadInput, match="cannot be used"):
        EventStore(tmp_path / "other")


def test_half_a_line_left_by_a_kill_is_not_glued_to_the_next(tmp_path: Path) -> None:
    store = EventStore(tmp_path)
    store.add([START])
    store.close()
    path = tmp_path / "events.jsonl"
    whole = path.read_bytes()
    for rest in (b'{"id": "cut of', b"x" * 10_000):
        path.write_bytes(whole + rest)
        EventStore(tmp_path).close()
        assert path.read_bytes() == whole
    path.write_bytes(b"no line at all")
    EventStore(tmp_path).close()
    assert path.read_bytes() == b""
