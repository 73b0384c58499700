"""What was reported as stored is there after any kill, once; a full disk loses nothing and leaves nothing half-written."""

from __future__ import annotations

import math
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sewu.base.errors import StoreFull, Unavailable
from sewu.base.records import Observation
from sewu.store.files import safe_name, write_whole
from sewu.store.journal import Journal
from sewu.store.observations import ObservationStore, export_parquet, read_observations

DAY_S = 86_400.0
texts = st.text(max_size=6)
observations = st.builds(
    Observation,
    camera_id=texts,
    at_s=st.integers(0, 2_000_000_000).map(float),
    analytic=texts,
    metric=texts,
    value=st.floats(allow_nan=False, allow_infinity=False),
    unit=texts,
    zone_id=st.none() | texts,
    subject=st.none() | texts,
    labels=st.dictionaries(texts, texts, max_size=2),
    box_px=st.none() | st.tuples(*[st.floats(0, 1000, width=32)] * 4),
)


def number(value: int, at_s: float = 1000.0) -> Observation:
    return Observation("cam", at_s, "crowd", "count", float(value), "persons")


def values(folder: Path) -> list[int]:
    return sorted(int(o.value) for o in read_observations(folder))


def comparable(observation: Observation) -> str:
    return repr(replace(observation, labels=dict(sorted(observation.labels.items()))))


@settings(deadline=None, max_examples=20)
@given(st.lists(observations, max_size=6))
def test_what_is_stored_comes_back_exactly(rows: list[Observation]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = ObservationStore(Path(folder))
        store.add(rows)
        store.close()
        assert sorted(map(comparable, read_observations(Path(folder)))) == sorted(map(comparable, rows))


def test_days_are_kept_apart_and_exported_in_order(tmp_path: Path) -> None:
    store = ObservationStore(tmp_path)
    store.add([number(2, 3 * DAY_S), number(1, DAY_S - 0.5), number(0, 10.0)])
    store.close()
    assert len(list((tmp_path / "observations").glob("day=*"))) == 2
    assert export_parquet(tmp_path, tmp_path / "all.parquet") == 3
    assert not list((tmp_path / "observations").glob("*.journal"))


def test_many_rows_are_sealed_along_the_way(tmp_path: Path) -> None:
    store = ObservationStore(tmp_path, seal_rows=5000)
    for first in range(0, 12_000, 100):
        store.add(number(first + index) for index in range(100))
    assert len(list((tmp_path / "observations").glob("day=*/*.parquet"))) == 2
    store.close()
    assert values(tmp_path) == list(range(12_000))


def test_two_writers_share_a_folder(tmp_path: Path) -> None:
    one, two = ObservationStore(tmp_path, "shard-0"), ObservationStore(tmp_path, "shard-1")
    one.add([number(1)])
    two.add([number(2)])
    one.close()
    two.close()
    assert values(tmp_path) == [1, 2]


def test_a_kill_between_sealing_and_deleting_doubles_nothing(tmp_path: Path) -> None:
    store = ObservationStore(tmp_path)
    store.add([number(1), number(2)])
    store.commit()
    journal = next((tmp_path / "observations").glob("*.journal"))
    kept = journal.read_bytes()
    store.close()
    journal.write_bytes(kept)
    ObservationStore(tmp_path).close()
    assert values(tmp_path) == [1, 2]


PROGRAM = """
import sys
from pathlib import Path
from sewu.base.records import Observation
from sewu.store.observations import ObservationStore
store = ObservationStore(Path(sys.argv[1]), seal_rows=70)
first = int(sys.argv[2])
for n in range(first, first + 10**6):
    store.add([Observation("cam", 1000.0, "crowd", "count", float(n), "persons")])
    store.commit()
    print(n, flush=True)
"""


def test_a_killed_writer_loses_nothing_that_it_reported_as_stored(tmp_path: Path) -> None:
    chance, said = random.Random(5), -1
    for _ in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path), str(said + 1)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert writer.stdout is not None
        try:
            until = time.monotonic() + chance.uniform(0.3, 0.8)
            for line in writer.stdout:
                said = int(line)
                if time.monotonic() > until:
                    break
        finally:
            writer.send_signal(signal.SIGKILL)
            rest = writer.stdout.read().split("\n")
            said = max([said, *(int(line) for line in rest[:-1] if line.isdigit())])
            writer.stdout.close()
            writer.wait(timeout=10)
        ObservationStore(tmp_path).close()
        found = values(tmp_path)
        assert found[: said + 1] == list(range(said + 1))
        assert len(found) - (said + 1) in {0, 1}, "at most the one that was being reported"
        said = len(found) - 1


@given(st.lists(st.binary(max_size=40), max_size=5), st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_journal_cut_or_damaged_anywhere_keeps_all_before(tmp_path: Path, records: list[bytes], data: st.DataObject) -> None:
    path = tmp_path / "j"
    path.unlink(missing_ok=True)
    journal = Journal(path)
    for record in records:
        journal.append(record)
    journal.close()
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content)))
    if data.draw(st.booleans()) and place < len(content):
        content[place] ^= 0x41
    else:
        del content[place:]
    path.write_bytes(content)
    whole, end = 0, 0
    for record in records:
        end += 8 + len(record)
        whole += end <= place
    again = Journal(path)
    assert list(again)[:whole] == records[:whole]
    again.append(b"after")
    assert list(again)[-1] == b"after"
    again.close()


def run_with_small_files(program: str, folder: Path, limit: int) -> str:
    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, timeout=60, preexec_fn=limited, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_full_disk_is_an_error_and_what_was_stored_before_is_whole(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from sewu.base.errors import StoreFull
from sewu.base.records import Observation
from sewu.store.observations import ObservationStore
store = ObservationStore(Path(sys.argv[1]))
n = 0
try:
    while True:
        store.add([Observation("cam", 1000.0, "crowd", "count", float(n), "persons")]); store.commit(); n += 1
except StoreFull as error:
    print(n); print(error.advice)
"""
    said = run_with_small_files(program, tmp_path, 20_000).splitlines()
    assert int(said[0]) > 50
    assert "Free some space" in said[1]
    ObservationStore(tmp_path).close()
    assert values(tmp_path) == list(range(int(said[0])))


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b.txt", b"one")
    write_whole(tmp_path / "a" / "b.txt", b"two")
    assert (tmp_path / "a" / "b.txt").read_bytes() == b"two"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]
    program = """
import sys
from pathlib import Path
from sewu.base.errors import StoreFull
from sewu.store.files import write_whole
try: write_whole(Path(sys.argv[1]) / "big", bytes(50_000))
except StoreFull: print("full", [p.name for p in Path(sys.argv[1]).iterdir()])
"""
    (tmp_path / "c").mkdir()
    assert run_with_small_files(program, tmp_path / "c", 10_000) == "full []\n"


@given(st.text())
def test_no_camera_id_leads_out_of_the_folder(text: str) -> None:
    name = safe_name(text)
    assert name
    assert "/" not in name
    assert not name.startswith(".")
    assert (Path("/x") / name).parent == Path("/x")


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "observations").write_text("")
    with pytest.raises(Exception, match="could not be written") as caught:
        ObservationStore(tmp_path)
    assert not isinstance(caught.value, StoreFull)


def test_rows_of_an_earlier_day_are_stored_in_their_day_and_counted(tmp_path: Path) -> None:
    store = ObservationStore(tmp_path)
    store.add([number(1, 86_400.0 * 9), number(2, 86_400.0 * 10), number(3, 86_400.0 * 9)])
    store.close()
    assert store.late == 1 and values(tmp_path) == [1, 2, 3]
    assert {path.parent.name for path in tmp_path.rglob("*.parquet")} == {"day=1970-01-10", "day=1970-01-11"}


def test_a_row_without_a_real_time_does_not_poison_the_store(tmp_path: Path) -> None:
    store = ObservationStore(tmp_path)
    store.add([number(1), *(number(9, at_s) for at_s in (math.nan, math.inf, -1.0, 1e300))])
    store.close()
    assert store.undated == 4 and values(tmp_path) == [1]


def test_two_writers_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    store = ObservationStore(tmp_path)
    with pytest.raises(Unavailable, match="another process"):
        ObservationStore(tmp_path)
    store.add([number(1)])
    store.close()
    ObservationStore(tmp_path).close()
    assert values(tmp_path) == [1]
