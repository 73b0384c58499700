"""Which way the camera looks: the home view on which zones were drawn, or another one."""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np

from sewu.base.greys import pack_grey, unpack_grey
from sewu.base.interfaces import State
from sewu.base.records import Floats, Image
from sewu.measure.health.likeness import Edges, Likeness, compare, edges

UNLIKE, UNLIKE_OF_USUAL = 0.15, 0.25
"""Share of agreeing blocks, absolute and relative to the usual, under which a look is not of this view."""
DOUBTFUL_OF_USUAL = 0.4
"""Under this a look is doubtful: a small shift, or a lorry before the lens. What lasts `DOUBT_S` at rest is a change."""
ALIKE = 0.3
"""Share from which a look is of this view."""
BACK_OF_USUAL = 0.5
"""Share, relative to the usual, from which the camera is back at home: more than half a cover lets through."""
DOUBT_S = 5.0
UNKNOWN_SHARE = 0.6
"""Usual share of a view just met: traffic in the first picture is part of it."""
USUAL_LOOKS = 200
CONFIRM_S = 0.3
SETTLE_S = 0.7
SLEW_S = 1.5
"""For so long after a change, further movement that has not come to rest belongs to it."""
MIN_INLIERS = 12
HOME_TAU_S = 30.0
OTHER_TAU_S = 0.6
LEARN_EVERY_S = 0.2

Change = Literal["home", "other"]


class View:
    """One remembered view: a running mean of small grey pictures, in which what moves fades."""

    def __init__(self, grey: Image | Floats) -> None:
        self.mean: Floats = np.asarray(grey, np.float32).copy()
        self.usual_share = UNKNOWN_SHARE
        self._learned = 0
        self._learned_s: float | None = None
        self._edges: Edges = edges(self.mean)

    def like(self, now: Edges) -> Likeness | None:
        """How alike a look is to this view; None when that cannot be said."""
        return compare(self._edges, now)

    @property
    def unlike(self) -> float:
        """Share under which a look is certainly not of this view."""
        return max(UNLIKE, UNLIKE_OF_USUAL * self.usual_share)

    @property
    def doubtful(self) -> float:
        """Share under which a look may not be of this view."""
        return max(UNLIKE, DOUBTFUL_OF_USUAL * self.usual_share)

    @property
    def known(self) -> float:
        """Share from which a look is certainly of this view."""
        return max(ALIKE, BACK_OF_USUAL * self.usual_share)

    def learn(self, grey: Image, share: float, at_s: float, tau_s: float) -> None:
        """Follow slow change of light, at most five times a second. `share`: how alike the look was."""
        if self._learned_s is not None and at_s - self._learned_s < LEARN_EVERY_S:
            return
        passed_s = LEARN_EVERY_S if self._learned_s is None else at_s - self._learned_s
        self._learned_s = at_s
        # At looks far apart one picture must not replace the mean: whatever stands in it now may drive off.
        weight = min(1.0 - math.exp(-passed_s / tau_s), 0.5 if tau_s < HOME_TAU_S else 0.2)
        self._learned = min(self._learned + 1, USUAL_LOOKS)
        self.usual_share += (share - self.usual_share) / (self._learned + 4)
        self.mean += np.float32(weight) * (grey - self.mean)
        self._edges = edges(self.mean)


class Views:
    """Decides at each look: at home or elsewhere; and notices each change once.

    Home is the reference given, or the first view held still for `home_after_s`. A view that is still young
    and every view but home may drift or be re-framed (a slow zoom or pan is one movement, not many changes);
    home may not.
    """

    def __init__(self, home_after_s: float, reference: Image | None) -> None:
        self._home_after_s = home_after_s
        self._home: View | None = None if reference is None else View(reference)
        self._now: View | None = None
        self._held_since_s: float | None = None
        self._held_looks = 0
        self._seen: Image | None = None
        self._candidate: View | None = None
        self._unlike_since_s: float | None = None
        self._unlike_looks = 0
        self._changed_s: float | None = None
        self._was_away = False

    @property
    def at_home(self) -> bool:
        """Whether zones are valid. True until the first change when no home is known yet: they were drawn on what is seen."""
        if self._home is None:
            return self._changed_s is None and not self._was_away
        return self._now is self._home or (self._now is None and not self._was_away)

    def likeness(self, now: Edges) -> Likeness | None:
        """How alike a look is to the present view; None when nothing can be said."""
        return None if self._now is None else self._now.like(now)

    def update(self, looks: tuple[Image, Image], now: Edges, likeness: Likeness | None, at_s: float) -> Change | None:
        """Take a look that shows something (not black, not covered). Returns a change when one was noticed.

        Args:
            looks: the grey picture 160 px wide, and 320 px wide.
        """
        grey, fine = looks
        if self._now is None or likeness is None:
            self._begin(grey, now, at_s)
            return None
        away = self._now is not self._home
        back = away and self._home is not None and _alike(self._home, now, self._home.known)
        if likeness.share >= self._now.doubtful and not back:
            if likeness.share >= ALIKE:
                self._hold(grey, fine, likeness.share, at_s)
            return None
        sure = back or likeness.share < self._now.unlike
        self._unlike_since_s = at_s if self._unlike_since_s is None else self._unlike_since_s
        self._unlike_looks += 1
        lasted_s = at_s - self._unlike_since_s
        if away and not back and self._seen is not None and same_framing(self._seen, fine):
            self._switch(View(grey), fine, at_s)
            return None
        settled = back or (self._candidate is not None and _alike(self._candidate, now))
        if self._candidate is None or not settled:
            self._candidate = View(grey)
        if self._unlike_looks < (2 if sure else 3) or lasted_s < (CONFIRM_S if sure else DOUBT_S):
            return None
        if not settled and not (sure and lasted_s >= SETTLE_S):
            return None
        slewing = not settled and self._changed_s is not None and at_s - self._changed_s < SLEW_S
        self._switch(self._home if back and self._home else View(grey), fine, at_s)
        if slewing:
            return None
        self._changed_s = at_s
        return "home" if back else "other"

    def _begin(self, grey: Image, now: Edges, at_s: float) -> None:
        """First look, or the view remembered shows nothing to compare (night, fog): take what is seen."""
        if self._home is not None and self._home.like(now) is None:
            self._home = View(grey)
        if self._home is not None and (_alike(self._home, now, self._home.known) or self._now is self._home):
            self._now = self._home
        else:
            self._now = View(grey)
        self._held_since_s, self._held_looks = at_s, 0

    def _switch(self, view: View, fine: Image, at_s: float) -> None:
        self._now, self._seen = view, fine
        self._candidate, self._unlike_since_s, self._unlike_looks = None, None, 0
        self._held_since_s, self._held_looks = at_s, 0

    def _hold(self, grey: Image, fine: Image, share: float, at_s: float) -> None:
        """The look is of the present view."""
        assert self._now is not None and self._held_since_s is not None
        self._unlike_since_s, self._unlike_looks, self._candidate = None, 0, None
        self._held_looks += 1
        self._seen = fine
        if self._home is None and self._held_looks >= 3 and at_s - self._held_since_s >= self._home_after_s:
            self._home = self._now
        self._now.learn(grey, share, at_s, HOME_TAU_S if self._now is self._home else OTHER_TAU_S)

    def state(self) -> State:
        """Home picture, and whether the camera is there. Another view is learned again."""
        home = None if self._home is None else pack_grey(np.clip(np.rint(self._home.mean), 0, 255).astype(np.uint8))
        usual = None if self._home is None else self._home.usual_share
        return {"home": home, "usual_share": usual, "at_home": self.at_home, "changed_s": self._changed_s}

    def restore(self, state: State) -> None:
        self._home = None if state["home"] is None else View(unpack_grey(state["home"]))
        if self._home is not None:
            self._home.usual_share = float(state["usual_share"])
        self._now, self._was_away, self._changed_s = None, not state["at_home"], state["changed_s"]


def _alike(view: View, now: Edges, at_least: float = ALIKE) -> bool:
    likeness = view.like(now)
    return likeness is not None and likeness.share >= at_least


def same_framing(before: Image, after: Image) -> bool:
    """Whether two looks show mostly the same place: a similarity transform joins them and at least half is common.

    ORB corners (Rublee et al. 2011) matched both ways, RANSAC. Runs only while the view is away and shifting.
    uint8 (h, w) of equal size.
    """
    orb = cv2.ORB.create(nfeatures=400, fastThreshold=10)
    corners_a, words_a = orb.detectAndCompute(before, None)
    corners_b, words_b = orb.detectAndCompute(after, None)
    if before.shape != after.shape or len(corners_a) < MIN_INLIERS or len(corners_b) < MIN_INLIERS:
        return False
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(words_a, words_b)
    if len(pairs) < MIN_INLIERS:
        return False
    source = np.array([corners_a[pair.queryIdx].pt for pair in pairs], np.float32)
    target = np.array([corners_b[pair.trainIdx].pt for pair in pairs], np.float32)
    matrix, inliers = cv2.estimateAffinePartial2D(source, target, ransacReprojThreshold=3.0)
    if not np.all(np.isfinite(matrix)) or np.count_nonzero(inliers) < MIN_INLIERS:
        return False
    height, width = before.shape
    frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = np.asarray(frame @ matrix[:, :2].T + matrix[:, 2], np.float32)
    common, _ = cv2.intersectConvexConvex(frame, moved)
    return bool(common >= 0.5 * max(float(width * height), cv2.contourArea(moved)))
