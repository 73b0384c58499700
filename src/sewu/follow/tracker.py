"""Follows the objects of one camera: BYTE's two stages, OC-SORT's three observation-centric ideas, on arrays, at any look rate.

Sources: Zhang et al. 2022, "ByteTrack: Multi-Object Tracking by Associating Every Detection Box"; Cao et al. 2023,
"Observation-Centric SORT: Rethinking SORT for Robust Multi-Object Tracking"; written from the papers.
"""

from __future__ import annotations

import math

import numpy as np

from sewu.base.errors import BadInput
from sewu.base.interfaces import State
from sewu.base.records import CLASSES, VEHICLES, Bools, Detections, Doubles, Ints, Tracks
from sewu.follow import kalman
from sewu.follow.association import near_pairs, widened_iou
from sewu.follow.population import MEMORY, Population
from sewu.follow.settings import TrackerSettings
from sewu.follow.stages import KINSHIP, Look, Matching

STATE_VERSION = 1
MAX_REPLAY_STEPS = 8
MAX_COORDINATE_PX = 1e6
STILL_SIZES_S = 0.1
"""A vehicle slower than this, in sizes per second, stands."""
EDGES_TO_COORDINATES = np.array([0.5, 0.5, 2.0, 2.0])
IS_VEHICLE = np.array([name in VEHICLES for name in CLASSES])


class ByteOcTracker:
    """A `Tracker` of one camera.

    Tentative tracks never leave; ids count up and are never used again; `ended` names each id that was ever shown exactly
    once. The instance belongs to the camera whose detections it is given first.

    Args:
        settings: see `TrackerSettings`.
        size_px: width and height of the picture, if known: an unseen track predicted to have left it ends at once.

    Attributes:
        restarts: how often the time jumped so that all tracks were ended.
        dropped: detections that were no box (not finite, no area, unknown class).
        refused: detections that could not start a track because `max_tracks` were followed.
    """

    def __init__(self, settings: TrackerSettings | None = None, size_px: tuple[int, int] | None = None) -> None:
        self.settings = settings or TrackerSettings()
        self.size_px = size_px
        self.restarts = self.dropped = self.refused = 0
        self._camera_id: str | None = None
        self._now_s: float | None = None
        self._step_s = 0.0
        self._next_id = 1
        self._rows = Population.none()

    def update(self, detections: Detections) -> Tracks:
        """Take one look and say who is followed now.

        Time may stand still (a look given twice) or be irregular; see `restart_gap_s` and `jitter_s` for jumps.

        Raises:
            BadInput: detections of another camera, or a time that is not a number.
        """
        ended = [self._pass_time(detections)]
        look = Look.of(self._usable(detections))
        free = np.ones(len(look.scores), np.bool_)
        if len(self._rows):
            matching = self._match(look)
            tracks, found = matching.run((self._rows.misses <= 1) | (self._gaps_s() <= self.settings.low_recent_s))
            self._learn(look, tracks, found)
            free[found] = False
            free &= ~matching.parts
        self._bear(look, free)
        ended += [self._merge_duplicates(), self._expire()]
        rows, settings = self._rows, self.settings
        is_proven = (rows.evidence >= settings.confirm_evidence) & (rows.hits >= settings.confirm_hits)
        rows.confirmed |= is_proven & (rows.updated_s - rows.since_s >= settings.confirm_age_s)
        if self._step_s >= settings.sparse_s:
            rows.confirmed |= (rows.misses == 0) & (rows.scores >= settings.lone_score)
        return self._report(detections, np.concatenate(ended))

    def state(self) -> State:
        """Everything remembered, JSON-safe; a tracker restored from it goes on exactly as this one would."""
        return {
            "version": STATE_VERSION,
            "camera_id": self._camera_id,
            "now_s": self._now_s,
            "next_id": self._next_id,
            "counts": [self.restarts, self.dropped, self.refused],
            "tracks": self._rows.state(),
        }

    def restore(self, state: State) -> None:
        """Go on from what `state` gave; settings are the ones of this instance. Raises `BadInput` and changes nothing if it is damaged."""
        advice = "Start without the saved state."
        if state.get("version") != STATE_VERSION:
            raise BadInput("The saved tracker state is of another version.", advice)
        rows = Population.from_state(state.get("tracks"))
        try:
            camera_id, now_s, next_id = state["camera_id"], state["now_s"], int(state["next_id"])
            restarts, dropped, refused = (int(count) for count in state["counts"])
            now_s = None if now_s is None else float(now_s)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise BadInput(f"The saved tracker state lacks a part or holds nonsense: {error}.", advice) from error
        is_named = (camera_id is None and not len(rows)) or (isinstance(camera_id, str) and camera_id != "")
        is_timed = (now_s is None and not len(rows)) or (
            now_s is not None and math.isfinite(now_s) and bool(np.all(rows.updated_s <= now_s))
        )
        if not is_named or not is_timed or next_id <= int(rows.ids.max(initial=0)):
            raise BadInput("The saved tracker state contradicts itself.", advice)
        self._camera_id, self._now_s, self._next_id, self._rows = camera_id, now_s, next_id, rows
        self.restarts, self.dropped, self.refused = restarts, dropped, refused

    def _pass_time(self, detections: Detections) -> Ints:
        """Move to the look's time. Returns the ids that a jump ended."""
        at_s = detections.at_s
        if not math.isfinite(at_s):
            raise BadInput(f"A look of camera {detections.camera_id} has no time ({at_s}).", "Give UTC seconds with every look.")
        if self._camera_id is None:
            self._camera_id = detections.camera_id
        elif self._camera_id != detections.camera_id:
            raise BadInput(
                f"The tracker of camera {self._camera_id} was given camera {detections.camera_id}.", "Make one tracker per camera."
            )
        before_s = at_s if self._now_s is None else self._now_s
        rows = self._rows
        if before_s - self.settings.jitter_s <= at_s <= before_s + self.settings.restart_gap_s:
            self._now_s = max(at_s, before_s)
            self._step_s = self._now_s - before_s
            rows.misses += self._now_s > before_s
            return np.empty(0, np.int64)
        self.restarts += 1
        self._now_s, self._rows = at_s, Population.none()
        return rows.ids[rows.confirmed]

    def _usable(self, detections: Detections) -> Detections:
        boxes, classes = detections.boxes_px, detections.classes
        # Comparisons with NaN are false, so this also refuses what is not a number.
        is_box = (np.abs(boxes) <= MAX_COORDINATE_PX).all(axis=1) & (boxes[:, :2] < boxes[:, 2:]).all(axis=1)
        is_box &= (classes >= 0) & (classes < len(CLASSES)) & (detections.scores >= 0) & (detections.scores <= 1)
        self.dropped += len(is_box) - int(is_box.sum())
        kept = is_box & (detections.scores >= self.settings.low_score)
        return detections if kept.all() else detections.select(kept)

    def _gaps_s(self) -> Doubles:
        """Seconds since each track was seen."""
        assert self._now_s is not None  # set by the first look, before any track exists
        return self._now_s - self._rows.updated_s

    def _wander(self, centred_px: Doubles) -> Doubles:
        """Spectral density of acceleration per coordinate. (n, 4) -> (n, 4), px^2/s^3."""
        settings = self.settings
        density = np.array([settings.wander_sizes, settings.wander_sizes, settings.grow_sizes, settings.grow_sizes]) ** 2
        return np.asarray(kalman.sizes_px(centred_px)[:, None] ** 2 * density)

    def _noise_px2(self, centred_px: Doubles) -> Doubles:
        """Variance of detections per coordinate, (n, 4) -> (n, 4): a centre averages two edges, a side is their difference."""
        edge_px = self.settings.measure_sizes * kalman.sizes_px(centred_px)
        return np.asarray((edge_px * edge_px)[:, None] * EDGES_TO_COORDINATES)

    def _match(self, look: Look) -> Matching:
        rows, settings = self._rows, self.settings
        gaps = self._gaps_s()
        far = gaps > settings.trust_velocity_s
        ahead = kalman.predicted(rows.motion, gaps, self._wander(rows.motion[:, kalman.POSITION]))
        ahead[far, kalman.POSITION] = kalman.to_centres(rows.observed_px[far])
        # A box cannot shrink to nothing while unseen.
        np.maximum(ahead[:, kalman.POSITION, 2:], rows.motion[:, kalman.POSITION, 2:] / 2, out=ahead[:, kalman.POSITION, 2:])
        return Matching(rows, ahead, far, look, self._step_s, settings)

    def _learn(self, look: Look, tracks: Ints, found: Ints) -> None:
        """Update the matched tracks with their detections."""
        if not len(tracks):
            return
        rows = self._rows
        centred, scores, classes = look.centred_px[found], look.scores[found], look.classes[found]
        gaps = self._gaps_s()[tracks]
        rows.motion[tracks] = self._refiltered(rows.motion[tracks], gaps, centred, rows.misses[tracks])
        is_new = gaps > 0
        path = rows.path_px[tracks]
        path[is_new, :-1] = path[is_new, 1:]
        path[:, -1] = centred[:, :2]
        rows.path_px[tracks] = path
        rows.observed_px[tracks] = look.boxes_px[found]
        rows.updated_s[tracks] += gaps
        rows.scores[tracks] = scores
        rows.evidence[tracks] += scores * is_new
        rows.hits[tracks] += is_new
        rows.misses[tracks] = 0
        votes = rows.votes[tracks]
        each = np.arange(len(tracks))
        votes[each, classes] += scores
        rows.votes[tracks] = votes
        winner, holder = votes.argmax(axis=1), rows.classes[tracks]
        rows.classes[tracks] = np.where(votes[each, winner] > votes[each, holder], winner, holder)

    def _refiltered(self, motion: Doubles, gaps_s: Doubles, centred_px: Doubles, misses: Ints) -> Doubles:
        """The filters of matched tracks after their detections: plain, replayed after a gap, or begun anew after a long one."""
        settings = self.settings
        wander = self._wander(motion[:, kalman.POSITION])
        noise = self._noise_px2(centred_px)
        fresh = kalman.updated(kalman.predicted(motion, gaps_s, wander), centred_px, noise)
        gone = misses > 1  # the look that found it again has been counted as a miss too
        if gone.any():
            steps = min(MAX_REPLAY_STEPS, int(misses.max()))
            fresh[gone] = kalman.reupdated(motion[gone], gaps_s[gone], wander[gone], centred_px[gone], noise[gone], steps)
        far = gaps_s > settings.trust_velocity_s
        if far.any():
            speed = np.abs(centred_px[far] - motion[far, kalman.POSITION]) / gaps_s[far, None]
            fresh[far] = kalman.born(centred_px[far], noise[far], speed + settings.wander_sizes * kalman.sizes_px(centred_px[far])[:, None])
        # A box that shrank quickly before a gap must not come out of it inside out.
        np.maximum(fresh[:, kalman.POSITION, 2:], 1.0, out=fresh[:, kalman.POSITION, 2:])
        return fresh

    def _bear(self, look: Look, free: Bools) -> None:
        """Start tentative tracks on sure detections that no track claimed."""
        settings = self.settings
        chosen = np.flatnonzero(free & (look.scores >= settings.birth_score))
        room = settings.max_tracks - len(self._rows)
        if len(chosen) > room:
            self.refused += len(chosen) - room
            chosen = chosen[np.sort(np.argsort(-look.scores[chosen], kind="stable")[:room])]
        if not len(chosen):
            return
        assert self._now_s is not None
        count, centred = len(chosen), look.centred_px[chosen]
        classes, scores = look.classes[chosen], look.scores[chosen]
        sizes = kalman.sizes_px(centred)[:, None]
        speed = np.where(IS_VEHICLE[classes], settings.vehicle_speed_sizes, settings.walker_speed_sizes)[:, None] * sizes
        speeds = np.concatenate([speed, speed, np.full((count, 2), settings.grow_sizes) * sizes], axis=1)
        votes = np.zeros((count, len(CLASSES)))
        votes[np.arange(count), classes] = scores
        now = np.full(count, self._now_s)
        newborn = Population(
            ids=np.arange(self._next_id, self._next_id + count),
            motion=kalman.born(centred, self._noise_px2(centred), speeds),
            updated_s=now,
            since_s=now.copy(),
            observed_px=look.boxes_px[chosen],
            path_px=np.repeat(centred[:, None, :2], MEMORY, axis=1),
            votes=votes,
            classes=classes,
            scores=scores,
            evidence=scores.copy(),
            hits=np.ones(count, np.int64),
            misses=np.zeros(count, np.int64),
            confirmed=np.zeros(count, np.bool_),
        )
        self._next_id += count
        self._rows = self._rows.joined(newborn)

    def _merge_duplicates(self) -> Ints:
        """End the younger of two tracks whose detections of this look are one object. Returns the ids ended."""
        rows = self._rows
        seen = np.flatnonzero(rows.misses == 0)
        if len(seen) < 2:
            return np.empty(0, np.int64)
        boxes, classes = rows.observed_px[seen], rows.classes[seen]
        a, b = near_pairs(boxes, boxes, np.zeros(len(boxes)))
        pairs = a < b
        a, b = a[pairs], b[pairs]
        same = (widened_iou(boxes[a], boxes[b]) >= self.settings.duplicate_iou) & (KINSHIP[classes[a], classes[b]] > 0)
        if not same.any():
            return np.empty(0, np.int64)
        younger = np.zeros(len(rows), np.bool_)
        younger[seen[b[same]]] = True
        return self._remove(younger)

    def _expire(self) -> Ints:
        """End tracks unseen for too long or out of the picture. Returns the ids ended."""
        rows, settings = self._rows, self.settings
        unseen = rows.misses > 0
        if not unseen.any():
            return np.empty(0, np.int64)
        gaps = self._gaps_s()
        centre, speed = rows.motion[:, kalman.POSITION], rows.motion[:, kalman.VELOCITY, :2]
        still = (np.abs(speed).max(axis=1) < STILL_SIZES_S * kalman.sizes_px(centre)) & IS_VEHICLE[rows.classes]
        limit = np.where(still, settings.lost_parked_s, settings.lost_s)
        over = np.where(rows.confirmed, (gaps > limit) & (rows.misses >= settings.lost_looks), rows.misses > settings.tentative_misses)
        now_at = centre[:, :2] + speed * gaps[:, None]
        width, height = self.size_px or (math.inf, math.inf)
        outside = ((now_at < 0) | (now_at > np.array([width, height]))).any(axis=1) & (gaps <= settings.trust_velocity_s)
        return self._remove(unseen & (over | outside))

    def _remove(self, gone: Bools) -> Ints:
        if not gone.any():
            return np.empty(0, np.int64)
        rows = self._rows
        self._rows = rows.select(~gone)
        return rows.ids[gone & rows.confirmed]

    def _report(self, detections: Detections, ended: Ints) -> Tracks:
        rows, gaps = self._rows, self._gaps_s() if len(self._rows) else np.empty(0)
        shown = np.flatnonzero(rows.confirmed & ((rows.misses == 0) | (gaps <= self.settings.shown_unseen_s)))
        motion = rows.motion[shown]
        centred = motion[:, kalman.POSITION] + motion[:, kalman.VELOCITY] * gaps[shown][:, None]
        np.maximum(centred[:, 2:], 1.0, out=centred[:, 2:])
        return Tracks(
            detections.camera_id,
            detections.at_s,
            kalman.to_corners(centred).astype(np.float32),
            rows.scores[shown].astype(np.float32),
            rows.classes[shown],
            rows.ids[shown],
            rows.since_s[shown],
            rows.misses[shown] == 0,
            ended,
        )
