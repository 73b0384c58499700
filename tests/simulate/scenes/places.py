"""Places and scripts that several tests look at; made once, since shops and trees take their time."""

from __future__ import annotations

import functools

import numpy as np

from sewu.simulate.scenes.happenings import HappeningKind, make_script
from sewu.simulate.scenes.layout import LAYOUTS
from sewu.simulate.scenes.place import Layout, SceneKind
from sewu.simulate.scenes.scripts import Script


@functools.cache
def place(scene: SceneKind, seed: int = 2) -> Layout:
    return LAYOUTS[scene](np.random.default_rng(seed))


def scripted(scene: SceneKind, kind: HappeningKind, seed: int = 2, duration_s: float = 60) -> tuple[Layout, Script]:
    """What is scripted, without the traffic and the people around it."""
    layout = place(scene)
    return layout, make_script(kind, layout, duration_s, np.random.default_rng(seed), [1])
