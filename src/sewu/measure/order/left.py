"""Objects left behind: put down by someone who then went away."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sewu.base.boxes import iou
from sewu.base.greys import pack_grey, unpack_grey
from sewu.base.interfaces import State
from sewu.base.records import Bools, Floats, Image
from sewu.measure.order.background import Background
from sewu.measure.order.blobs import Blob, bag_sized, find_blobs, put_down, window
from sewu.measure.order.persons import Heights, Whereabouts, gaps_px

MAX_THINGS = 16
OWNER_HEIGHTS = 1.0
"""Who was this near (in person heights) when a thing appeared may be its owner."""
SUCCESSION_HEIGHTS = 1.0
SURE_S = 1.0
"""A patch must look like a thing put down for this long: at two looks at least."""
SAME_THING_HEIGHTS = 0.2
"""A second patch this near to a thing is another part of it."""
GONE_S = 2.0
HIDDEN_S = 120.0
STILL_THERE = 0.35


@dataclass(slots=True)
class Thing:
    """Something put down. patch: float32 (h, w) of its box, what it looks like; left_since_s: None while attended."""

    name: int
    box_px: Floats
    mask: Bools
    patch: Floats
    appeared_s: float
    owner_id: int
    seen_s: float
    owner_box_px: Floats
    left_since_s: float | None = None
    company_s: float = 0.0
    company_id: int | None = None

    @property
    def where(self) -> tuple[slice, slice]:
        return window(self.box_px)


@dataclass(slots=True)
class Rules:
    """What `Things` is told: times in seconds, distances in person heights."""

    rest_s: float
    learn_s: float
    away_heights: float
    reattend_s: float
    absorb_s: float = 60.0
    forget_s: float = 3600.0


@dataclass(slots=True)
class People:
    """Persons now, in the small picture. ids: n numbers; boxes_px: float32 (n, 4); others_px: float32 (m, 4), vehicles and the like."""

    ids: list[int]
    boxes_px: Floats
    others_px: Floats = field(default_factory=lambda: np.empty((0, 4), np.float32))


class Things:
    """Finds what was put down, who put it there, and how long nobody has been with it."""

    def __init__(self, size_px: tuple[int, int], rules: Rules) -> None:
        self._rules = rules
        self._background = Background(rules.rest_s, rules.learn_s, rules.absorb_s)
        self._heights = Heights(size_px)
        self._whereabouts = Whereabouts()
        self._things: list[Thing] = []
        self._suspects: list[tuple[Blob, float]] = []
        self._next = 1
        self._last_s: float | None = None

    def update(self, picture: Image, people: People, at_s: float) -> list[Thing]:
        """Take one look; returns the things that stand alone now. `picture`: uint8 (h, w)."""
        passed_s = 0.0 if self._last_s is None else at_s - self._last_s
        self._last_s = at_s
        self._heights.learn(people.boxes_px)
        self._whereabouts.note(at_s, people.ids, people.boxes_px)
        # A picture of another size (another stream, an old state) makes what was remembered of places worthless.
        self._things = [thing for thing in self._things if _fits(thing, picture.shape)]
        protected = np.zeros(picture.shape, np.bool_)
        for thing in self._things:
            protected[thing.where] |= thing.mask
        rest = self._background.update(picture, passed_s, protected)
        self._things = [thing for thing in self._things if self._still_there(thing, people, at_s)]
        rest &= ~protected
        suspects = [blob for blob in find_blobs(rest, self._background) if self._suspect(blob, people)]
        self._suspects = [(blob, self._suspected_since_s(blob, at_s)) for blob in suspects]
        for blob, since_s in self._suspects:
            if at_s - since_s >= SURE_S:
                self._take_up(blob, at_s)
        for thing in self._things:
            self._attend(thing, people, at_s, passed_s)
        return [thing for thing in self._things if thing.left_since_s is not None]

    def _suspect(self, blob: Blob, people: People) -> bool:
        """Whether a patch at rest looks like a thing put down, at this look."""
        person_px = self._heights.at_px(float(blob.box_px[3]))
        return not _covered(blob.box_px, people) and bag_sized(blob, person_px) and put_down(blob, self._background)

    def _suspected_since_s(self, blob: Blob, at_s: float) -> float:
        """Since when this patch has been suspected at every look."""
        for earlier, since_s in self._suspects:
            if float(iou(blob.box_px[None], earlier.box_px[None])[0, 0]) > 0.5:
                return since_s
        return at_s

    def _take_up(self, blob: Blob, at_s: float) -> None:
        """Watch the thing from now on, if a person was there when it appeared."""
        if len(self._things) >= MAX_THINGS:
            return
        person_px = self._heights.at_px(float(blob.box_px[3]))
        if any(gaps_px(thing.box_px[None], blob.box_px)[0] <= SAME_THING_HEIGHTS * person_px for thing in self._things):
            return
        appeared_s = at_s - max(blob.rested_s, self._rules.rest_s)
        slack_s = self._rules.rest_s + 1.0
        owner = self._whereabouts.nearest(blob.box_px, appeared_s - slack_s, appeared_s + slack_s, OWNER_HEIGHTS * person_px)
        if owner is None:
            return
        box_px = self._whereabouts.last_box(owner)
        patch = self._background.now[blob.window].copy()
        assert box_px is not None
        self._things.append(Thing(self._next, blob.box_px, blob.mask, patch, appeared_s, owner, at_s, box_px))
        self._next += 1

    def _still_there(self, thing: Thing, people: People, at_s: float) -> bool:
        """Whether the thing is there or may be hidden behind someone; its picture follows the light."""
        now = self._background.now[thing.where]
        same = (np.abs(now - thing.patch) < self._background.step) & thing.mask
        size = np.count_nonzero(thing.mask)
        if np.count_nonzero(same) >= 0.5 * size:
            thing.seen_s = at_s
            thing.patch[same] += 0.05 * (now - thing.patch)[same]
            return at_s - thing.appeared_s < self._rules.forget_s
        unseen_s = at_s - thing.seen_s
        bare = np.count_nonzero(self._background.is_long[thing.where] & thing.mask) > 0.5 * size
        return unseen_s < (GONE_S if bare else HIDDEN_S)

    def _attend(self, thing: Thing, people: People, at_s: float, passed_s: float) -> None:
        """Keep the clock of being alone. The owner's return, or anybody's lasting company, stops it."""
        person_px = self._heights.at_px(float(thing.box_px[3]))
        reach_px = self._rules.away_heights * person_px
        self._follow_owner(thing, people, person_px)
        gaps = gaps_px(people.boxes_px, thing.box_px)
        if thing.owner_id in people.ids:
            with_owner = bool(gaps[people.ids.index(thing.owner_id)] <= reach_px)
        else:
            unseen = float(gaps_px(thing.owner_box_px[None], thing.box_px)[0]) <= reach_px
            with_owner = unseen and thing.left_since_s is None and self._somebody_at(thing)
        if with_owner and thing.left_since_s is None:
            return
        if thing.left_since_s is None:
            # A thing first seen when its owner is already away (who stood before it) was left when the owner went.
            parted_s = self._whereabouts.last_near_s(thing.owner_id, thing.box_px, reach_px)
            thing.left_since_s = at_s if parted_s is None or at_s - parted_s < 1.0 else max(parted_s, thing.appeared_s)
        near = int(gaps.argmin()) if len(gaps) and gaps.min() <= 0.5 * reach_px else None
        company = None if near is None else people.ids[near]
        thing.company_s = thing.company_s + passed_s if company is not None and company == thing.company_id else 0.0
        thing.company_id = company
        if company is not None and thing.company_s >= self._rules.reattend_s:
            thing.owner_id, thing.left_since_s, thing.company_s = company, None, 0.0

    def _follow_owner(self, thing: Thing, people: People, person_px: float) -> None:
        """Keep where the owner is; when the id was lost, a person that turns up at the same place is the owner."""
        if thing.owner_id in people.ids:
            thing.owner_box_px = people.boxes_px[people.ids.index(thing.owner_id)]
        elif people.ids and thing.left_since_s is None:
            gaps = np.hypot(*(_feet(people.boxes_px) - _feet(thing.owner_box_px[None])).T)
            row = int(gaps.argmin())
            if gaps[row] <= SUCCESSION_HEIGHTS * person_px:
                thing.owner_id, thing.owner_box_px = people.ids[row], people.boxes_px[row]

    def _somebody_at(self, thing: Thing) -> bool:
        """Whether the place where the owner was last still differs from the empty scene: standing there, only not detected."""
        height, width = self._background.now.shape
        limits = np.array([width, height, width, height], np.float32)
        rows, columns = window(np.clip(thing.owner_box_px, 0, limits))
        bare = self._background.is_long[rows, columns]
        return bare.size > 0 and float(np.count_nonzero(~bare)) / bare.size >= STILL_THERE

    def state(self) -> State:
        """Background, heights and things, as text and numbers; who stood where is forgotten."""
        things = []
        for thing in self._things:
            row = {name: getattr(thing, name) for name in ("name", "appeared_s", "owner_id", "seen_s", "left_since_s")}
            row |= {name: [float(v) for v in getattr(thing, name)] for name in ("box_px", "owner_box_px")}
            row["mask"] = pack_grey(thing.mask.astype(np.uint8) * np.uint8(255))
            row["patch"] = pack_grey(np.clip(np.rint(thing.patch), 0, 255).astype(np.uint8))
            things.append(row)
        background, heights = self._background.state(), self._heights.state()
        return {"background": background, "heights": heights, "things": things, "next": self._next, "last_s": self._last_s}

    def restore(self, state: State) -> None:
        self._background.restore(state["background"])
        self._heights.restore(state["heights"])
        self._next, self._last_s, self._things = int(state["next"]), state["last_s"], []
        for row in state["things"]:
            mask, patch = unpack_grey(row["mask"]) > 127, unpack_grey(row["patch"]).astype(np.float32)
            boxes = {name: np.asarray(row[name], np.float32) for name in ("box_px", "owner_box_px")}
            self._things.append(Thing(**{**row, **boxes, "mask": mask, "patch": patch}))


def _fits(thing: Thing, shape: tuple[int, ...]) -> bool:
    rows, columns = thing.where
    sizes = (rows.stop - rows.start, columns.stop - columns.start)
    return (
        thing.mask.shape == sizes == thing.patch.shape
        and min(rows.start, columns.start) >= 0
        and rows.stop <= shape[0]
        and columns.stop <= shape[1]
    )


def _feet(boxes_px: Floats) -> Floats:
    return np.stack([(boxes_px[:, 0] + boxes_px[:, 2]) / 2, boxes_px[:, 3]], axis=1)


def _covered(box_px: Floats, people: People) -> bool:
    """Whether the patch lies mostly inside the box of somebody or some vehicle that is tracked now."""
    boxes = np.concatenate([people.boxes_px, people.others_px])
    sides = np.minimum(boxes[:, 2:], box_px[2:]) - np.maximum(boxes[:, :2], box_px[:2])
    common = np.maximum(sides, 0).prod(axis=1)
    return bool((common > 0.5 * float((box_px[2:] - box_px[:2]).prod())).any())
