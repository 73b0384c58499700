"""How well a glance knows what moved: against exact truth, keyframe after keyframe.

A thing moved when its middle went at least half of its width or height since the keyframe before, or when it was not there.
It is noticed when one of the tiles that its box touches is among the changed ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from sewu.base.records import Bools, Doubles, Frame
from sewu.cull.change import GRID, Glance, small_grey, tiles_of

LEAST_SIDE_PX = 8.0
"""Of 640 x 360: what is smaller is no picture of anything."""
LEAST_VISIBLE = 0.5

Seen = Mapping[int, tuple[Doubles, float]]
"""What is in one picture: id -> box (4,) xyxy in its pixels, and the share that nothing hides."""


@dataclass(frozen=True, slots=True)
class GlanceScore:
    """One clip's glances.

    moved, noticed: things, over all glances. moved_share: of the tiles, those that something moved over (from or to),
    mean over glances. changed_share: of the tiles, those that the glance called changed. everywhere: glances that said so.
    """

    name: str
    glances: int
    moved: int
    noticed: int
    moved_share: float
    changed_share: float
    everywhere: int

    @property
    def recall(self) -> float | None:
        """None when nothing moved."""
        return self.noticed / self.moved if self.moved else None


def score_glances(name: str, pictures: Iterable[tuple[Frame, Seen]]) -> GlanceScore:
    """Glance at each picture as if a whole look had been made at the one before it."""
    glance, before = Glance(), None
    moved = noticed = glances = everywhere = 0
    shares: list[tuple[float, float]] = []
    for frame, seen in pictures:
        grey = small_grey(frame.image)
        change = glance.compare(grey)
        if before is not None:
            glances, everywhere = glances + 1, everywhere + change.everywhere
            for box_px in moved_boxes(before, seen):
                moved += 1
                noticed += bool((change.tiles & tiles_of(box_px[None], frame.size_px)).any())
            shares.append((float(moved_tiles(before, seen, frame.size_px).mean()), change.share))
        occupied = tiles_of(np.array([box for box, _ in seen.values()]).reshape(-1, 4), frame.size_px)
        glance.looked(grey, np.ones((GRID[1], GRID[0]), np.bool_), occupied)
        before = seen
    means = np.mean(shares, axis=0) if shares else np.zeros(2)
    return GlanceScore(name, glances, moved, noticed, float(means[0]), float(means[1]), everywhere)


def moved_boxes(before: Seen, now: Seen) -> list[Doubles]:
    """Boxes of what is clearly visible now and was elsewhere, or nowhere, before."""
    found: list[Doubles] = []
    for number, (box_px, visible) in now.items():
        sides = box_px[2:] - box_px[:2]
        if visible < LEAST_VISIBLE or (sides < LEAST_SIDE_PX).any():
            continue
        old = before.get(number)
        went = np.inf if old is None else np.abs((box_px[:2] + box_px[2:] - old[0][:2] - old[0][2:]) / 2)
        if (went >= sides / 2).any():
            found.append(box_px)
    return found


def moved_tiles(before: Seen, now: Seen, size_px: tuple[int, int]) -> Bools:
    """Tiles that a box which is not where it was touches, or touched. (9, 16)."""
    rows = [
        seen[number][0]
        for number in set(before) | set(now)
        if number not in before or number not in now or np.abs(before[number][0] - now[number][0]).max() >= 1.0
        for seen in (before, now)
        if number in seen
    ]
    return tiles_of(np.array(rows).reshape(-1, 4), size_px)


def table(scores: Iterable[GlanceScore]) -> str:
    """One line per clip."""
    lines = []
    for one in scores:
        share = "-" if one.recall is None else f"{one.recall:.3f}"
        lines.append(
            f"{one.name}: {one.glances} glances, {one.noticed}/{one.moved} moved things noticed ({share}); tiles something moved over "
            f"{one.moved_share:.2f}, called changed {one.changed_share:.2f}, everywhere {one.everywhere}"
        )
    return "\n".join(lines)
