"""The whole bench, small: real server, real shard, a bad camera that disturbs nobody."""

from __future__ import annotations

from pathlib import Path

from sewu.base.clock import SystemClock
from sewu.simulate.testcard import SUB_CARD, cached_card
from sewu.wiring.sharding import WatchOptions
from sewu.wiring.watch_benching import WatchBench, measure_watch


def test_a_few_cameras_are_measured_and_a_bad_one_disturbs_no_good_one(tmp_path: Path) -> None:
    card = cached_card(SUB_CARD, tmp_path)
    bench = WatchBench((card,), 4, 1, 6.0, 1, 1, warm_s=2.0, usual_cameras=0, watch=WatchOptions(Path(), "motion", 2.0))
    told: list[float] = []
    cost = measure_watch(bench, SystemClock(), lambda one: told.append(one.ms_per_camera_s))
    (one,) = cost.rounds
    assert told == [one.ms_per_camera_s]
    assert abs(sum(one.stages_ms.values()) - one.ms_per_camera_s) < 1e-6
    assert one.stages_ms["receive"] > 0
    assert sum(one.looks.values()) >= 3 * 2
    assert (cost.good.cameras, cost.good.silent) == (3, 0)
    assert cost.good.worst_s <= 4.5  # one keyframe may be missed on a machine that is full
    assert one.memory_bytes[1] > 10 << 20
    assert one.descriptors[0] > 3
