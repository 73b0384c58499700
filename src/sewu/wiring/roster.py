"""A worker's cameras: from what the parent tells to flows, decoders and connections, changed while everything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from sewu.base.records import Camera, Frame, Packet, StreamInfo
from sewu.connect.rtsp.auth import Login
from sewu.connect.rtsp.poller import RtspPoller
from sewu.cull.doubt import Doubt
from sewu.decode.decoder import Decoder
from sewu.flow import CameraFlow
from sewu.measure import ANALYTICS
from sewu.notice import Notice, RuleSet
from sewu.store.checkpoints import Checkpoints
from sewu.wiring.flows import builder_of, flow_for
from sewu.wiring.ruling import RuleDocuments, rule_sets
from sewu.wiring.zoning import Document, needs_following, scene_from_document
from sewu.workers.looking import Eye
from sewu.workers.shard import Shard, Watched, restore

MAX_WIDTH_PX = 1280
"""Wider pictures are scaled down while they are converted; the same for every decoder of a camera, or its flow would begin anew."""
MOVING = {("order", "intruders"), ("order", "inside_s")}
"""What looks are enough to notice, but gains from several pictures a second while it lasts: where somebody goes, how many they are."""


class Row(TypedDict, total=False):
    """One camera as the parent tells it. `rules`: the name of its set; without it, the roster's own rules."""

    id: str
    url: str
    user: str
    password: str
    zones: Document
    rules: str


class KeyframeDecoder:
    """Made when the first packet tells the codec, and again when the stream is another."""

    def __init__(self) -> None:
        self._decoder: Decoder | None = None
        self._stream: StreamInfo | None = None

    def decode(self, packet: Packet) -> Iterable[Frame]:
        if self._decoder is None or self._stream is not packet.stream:
            self._decoder, self._stream = Decoder(packet.stream, keyframes_only=True, max_width_px=MAX_WIDTH_PX), packet.stream
        return self._decoder.decode(packet)

    def flush(self) -> Iterable[Frame]:
        return ()


def followed_kinds(rules: RuleSet) -> frozenset[str]:
    """Kinds of events that have their camera followed while they are open, unless told otherwise."""
    return frozenset(rule.kind for rule in rules.rules if (rule.analytic, rule.metric) in MOVING or ANALYTICS[rule.analytic].needs_motion)


@dataclass
class Roster:
    """Keeps a shard's cameras as the last list said.

    Args:
        rules: of cameras that are told none. follow_fps: how fast cameras whose drawing needs motion are followed; 0: never.
        follow_events: kinds of events that have their camera followed; None: those of `followed_kinds` of all rules in use.
    """

    shard: Shard
    poller: RtspPoller
    checkpoints: Checkpoints
    rules: RuleSet
    interval_s: float
    whole_s: float
    follow_fps: float
    follow_events: frozenset[str] | None = None
    names: tuple[str, ...] = tuple(ANALYTICS)
    _rows: dict[str, Row] = field(default_factory=dict)
    _sets: dict[str, RuleSet] = field(default_factory=dict)

    def follow(self, rows: Sequence[Row], rules: Mapping[str, RuleDocuments] | None = None) -> None:
        """Take over a new list: what is unchanged is not disturbed, and what is changed keeps its clocks.

        Args:
            rules: the sets that the rows name. A name stands for the same rules for ever.
        """
        wanted: dict[str, Row] = {row["id"]: row for row in rows}
        told = rules or {}
        self._sets = {name: self._sets[name] for name in told.keys() & self._sets.keys()}
        self._sets |= rule_sets({name: told[name] for name in told.keys() - self._sets.keys()})
        for camera_id in self._rows.keys() - wanted.keys():
            self.shard.remove(camera_id)
            self.poller.remove(camera_id)
        for camera_id, row in wanted.items():
            before = self._rows.get(camera_id)
            if before is None:
                self._begin(row, self.checkpoints.load([camera_id]).get(camera_id))
            elif _address(before) != _address(row):
                self._begin(row, self.shard.states([camera_id]).get(camera_id))
            elif before.get("zones") != row.get("zones"):
                self._redraw(row)
            elif before.get("rules") != row.get("rules"):
                self._rule(row)
        self._rows = wanted
        self._follow_events()

    def _begin(self, row: Row, state: Mapping[str, Any] | None) -> None:
        camera_id = row["id"]
        watched = Watched(Camera(camera_id, camera_id, row["url"]), self._flow(row), Eye(self.whole_s), KeyframeDecoder(), self.interval_s)
        if self.follow_fps > 0:
            watched.make_decoder = lambda stream: Decoder(stream, max_rate_fps=self.follow_fps, max_width_px=MAX_WIDTH_PX)
        if state is not None:
            restore(watched, dict(state))
        self.shard.add(watched)
        self._attend(watched, row)
        login = Login(row["user"], row.get("password", "")) if row.get("user") else None
        self.poller.add(camera_id, row["url"], login)

    def _redraw(self, row: Row) -> None:
        """Other zones, the same camera: the flow is built anew and goes on from the state of the old one."""
        watched = self.shard.watched[row["id"]]
        state = watched.flow.state()
        watched.flow = self._flow(row)
        watched.flow.restore(state)
        self._attend(watched, row)

    def _rule(self, row: Row) -> None:
        """Other rules, the same camera: open events of rules that are the same go on, others end at its next look."""
        rules = self._rules_of(row)
        build = builder_of(row["id"], scene_from_document(row.get("zones")), rules, self.names)
        self.shard.watched[row["id"]].flow.notice_by(Notice(rules), build)

    def _flow(self, row: Row) -> CameraFlow:
        return flow_for(row["id"], scene_from_document(row.get("zones")), self._rules_of(row), self.names)

    def _rules_of(self, row: Row) -> RuleSet:
        return self._sets[row["rules"]] if "rules" in row else self.rules

    def _follow_events(self) -> None:
        """Which events have their camera followed; the rules say so, and they change."""
        kinds = self.follow_events
        if kinds is None:
            in_use = {row.get("rules"): self._rules_of(row) for row in self._rows.values()}
            kinds = frozenset(kind for rules in in_use.values() for kind in followed_kinds(rules))
        self.shard.following.event_kinds = kinds if self.follow_fps > 0 else frozenset()

    def _attend(self, watched: Watched, row: Row) -> None:
        """What is drawn decides whether the camera is always followed, and where a doubt is worth another look."""
        scene = scene_from_document(row.get("zones"))
        watched.doubts = None if scene is None else Doubt(scene).about
        self.shard.following.always(row["id"], self.follow_fps > 0 and needs_following(scene))


def _address(row: Row) -> tuple[str | None, ...]:
    return row.get("url"), row.get("user"), row.get("password")
