"""What a running watch tells Prometheus: read from the shards' statuses when it is asked, nothing counted twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from sewu.base.errors import BadSettings, Unavailable
from sewu.workers.status import ShardStatus, total

STAGES = ("receive", "decode", "look", "flow", "follow")
GAUGES = {
    "cameras": "Cameras in the list",
    "sending": "Cameras that send pictures now",
    "following": "Cameras seen several times a second now",
    "stretch": "Factor by which promised intervals are stretched; 1 when all are kept",
    "share": "Share of the processor time asked for that the worker gets; less than 1 when others use its core",
    "follow_stretch": "Factor by which the rate of followed cameras is stretched",
    "worst_ratio": "Longest time between two looks at a camera since the start, in intervals",
    "memory_bytes": "Resident memory of the worker",
    "ring_bytes": "Packets remembered for evidence",
}
COUNTERS = {
    "pictures": "Promised pictures taken",
    "late": "Of these, pictures taken after more than 1.5 intervals",
    "extra": "Of these, pictures taken early because a look was doubtful",
    "followed_pictures": "Pictures of followed cameras looked at",
    "carried": "Pictures on which nothing had changed",
    "parts": "Pictures of which changed parts were looked at",
    "whole": "Pictures that were looked at whole",
    "events": "Events begun",
    "faults": "Pictures that could not be decoded or measured",
    "evicted": "Groups of pictures given up by the ring for want of memory",
    "clips": "Evidence clips completed",
    "clips_missed": "Stills and clips given up",
    "lost": "Observations and events lost because the disk was full",
    "camera_s": "Camera-seconds received",
    "process_s": "Processor seconds used, everything included",
}


@dataclass(eq=False)
class WatchMetrics:
    """A Prometheus collector over the newest statuses."""

    _shards: Sequence[ShardStatus] = ()

    def update(self, shards: Sequence[ShardStatus]) -> None:
        """Take the newest statuses."""
        self._shards = tuple(shards)

    def collect(self) -> Iterable[Metric]:
        """Every metric, by shard."""
        shards = self._shards
        for name, meaning in GAUGES.items():
            gauge = GaugeMetricFamily(f"sewu_{name}", meaning, labels=["shard"])
            for row in shards:
                gauge.add_metric([str(row.shard)], getattr(row, name))
            yield gauge
        for name, meaning in COUNTERS.items():
            counter = CounterMetricFamily(f"sewu_{name.removesuffix('_s')}{'_seconds' * name.endswith('_s')}", meaning, labels=["shard"])
            for row in shards:
                counter.add_metric([str(row.shard)], getattr(row, name))
            yield counter
        stages = CounterMetricFamily("sewu_stage_seconds", "Processor seconds by stage", labels=["shard", "stage"])
        for row in shards:
            for stage in STAGES:
                stages.add_metric([str(row.shard), stage], getattr(row, f"{stage}_s"))
        yield stages
        refused = GaugeMetricFamily("sewu_disk_refuses", "1 while the disk takes nothing", labels=["shard"])
        for row in shards:
            refused.add_metric([str(row.shard)], float(bool(row.refused)))
        yield refused
        down = GaugeMetricFamily("sewu_camera_down", "1 for each camera that does not send", labels=["camera"])
        for camera_id in sorted(total(shards).down):
            down.add_metric([camera_id], 1.0)
        yield down


@contextmanager
def serving(address: str | None, metrics: WatchMetrics) -> Iterator[int | None]:
    """Answer on HOST:PORT while the block runs, port 0 lets the system choose; nothing when there is no address. Gives the port.

    Raises:
        BadSettings: not HOST:PORT. Unavailable: the port is taken.
    """
    if address is None:
        yield None
        return
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise BadSettings(f"--metrics {address!r} is not HOST:PORT.", "Write for example 127.0.0.1:9464.")
    registry = CollectorRegistry()
    registry.register(metrics)
    try:
        server, thread = start_http_server(int(port), host.strip("[]") or "0.0.0.0", registry)  # noqa: S104 the user left the host out
    except OSError as error:
        raise Unavailable(f"The metrics cannot be served on {address}: {error.strerror}.", "Choose another port.") from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5.0)
