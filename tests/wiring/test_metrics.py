"""What Prometheus is told is what the shards say."""

from __future__ import annotations

from dataclasses import fields
from urllib.request import urlopen

import pytest

from sewu.base.errors import BadSettings, Unavailable
from sewu.wiring.metrics import COUNTERS, GAUGES, STAGES, WatchMetrics, serving
from sewu.workers.status import ShardStatus

ROWS = [
    ShardStatus(
        0, 1, 5.0, cameras=2, sending=1, pictures=10, late=1, process_s=2.5, decode_s=0.5, down={"K9": "no answer"}, refused="full"
    ),
    ShardStatus(1, 2, 6.0, cameras=3, sending=3, pictures=20, stretch=1.5),
]


def test_every_number_is_served_by_shard_and_stage() -> None:
    metrics = WatchMetrics()
    metrics.update(ROWS)
    with serving("127.0.0.1:0", metrics) as port, urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    for line in (
        'sewu_cameras{shard="0"} 2.0',
        'sewu_pictures_total{shard="1"} 20.0',
        'sewu_late_total{shard="0"} 1.0',
        'sewu_stretch{shard="1"} 1.5',
        'sewu_process_seconds_total{shard="0"} 2.5',
        'sewu_stage_seconds_total{shard="0",stage="decode"} 0.5',
        'sewu_disk_refuses{shard="0"} 1.0',
        'sewu_camera_down{camera="K9"} 1.0',
    ):
        assert line in lines


def test_no_number_of_a_status_is_left_out() -> None:
    known = {*GAUGES, *COUNTERS, *(f"{stage}_s" for stage in STAGES)}
    assert {field.name for field in fields(ShardStatus)} - known == {"shard", "pid", "at_s", "refused", "down"}


@pytest.mark.parametrize("address", ["9464", "localhost:", "localhost:http", "localhost:70000"])
def test_a_bad_address_is_said(address: str) -> None:
    with pytest.raises(BadSettings, match="HOST:PORT"), serving(address, WatchMetrics()):
        pass


def test_a_taken_port_is_said_and_no_address_serves_nothing() -> None:
    with serving("127.0.0.1:0", WatchMetrics()) as port:
        with pytest.raises(Unavailable, match="cannot be served"), serving(f"127.0.0.1:{port}", WatchMetrics()):
            pass
        with serving(None, WatchMetrics()) as none:
            assert none is None
