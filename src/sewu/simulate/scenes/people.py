"""A person: a body of ten rigid parts, clothes, and the angles of walking, standing and riding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sewu.base.records import Doubles, Floats
from sewu.simulate.scenes.mesh import PAINT, Colour, Mesh, ball, ellipses, loft, merged

TRUNK, LEFT_THIGH, RIGHT_THIGH, LEFT_SHIN, RIGHT_SHIN, LEFT_ARM, RIGHT_ARM, LEFT_FORE, RIGHT_FORE, SKIRT = range(10)
HIP_M, KNEE_M, SHOULDER_M, ELBOW_M = 0.88, 0.47, 1.40, 1.12
"""Joints of a body of 1.70 m."""
SIDE_M = {TRUNK: 0.0, SKIRT: 0.0, LEFT_THIGH: 0.09, RIGHT_THIGH: -0.09, LEFT_ARM: 0.21, RIGHT_ARM: -0.21}
SKINS: tuple[Colour, ...] = ((0.36, 0.20, 0.12), (0.28, 0.15, 0.09), (0.44, 0.26, 0.16))
CLOTHES: tuple[Colour, ...] = (
    (0.55, 0.55, 0.53), (0.05, 0.05, 0.06), (0.42, 0.05, 0.05), (0.05, 0.11, 0.30), (0.10, 0.22, 0.14), (0.50, 0.36, 0.10),
    (0.30, 0.28, 0.25), (0.45, 0.15, 0.22), (0.12, 0.30, 0.42), (0.20, 0.10, 0.07), (0.62, 0.60, 0.50), (0.14, 0.14, 0.16),
)  # fmt: skip
TROUSERS: tuple[Colour, ...] = ((0.03, 0.04, 0.09), (0.02, 0.02, 0.025), (0.12, 0.10, 0.07), (0.06, 0.06, 0.07), (0.05, 0.08, 0.15))
Pose = Literal["walk", "stand", "ride", "sit", "push", "cycle", "fight"]


@dataclass(frozen=True, slots=True)
class Looks:
    """What one person wears. mask_low: under the chin."""

    top: Colour
    legs: Colour
    skin: Colour
    hijab: Colour | None = None
    helmet: Colour | None = None
    skirt: bool = False
    scale: float = 1.0
    mask: Colour | None = None
    mask_low: bool = False


def any_looks(random: np.random.Generator, *, riding: bool = False) -> Looks:
    """Somebody of Semarang, at random."""
    woman = random.random() < 0.48
    covered = woman and random.random() < 0.65

    def pick(colours: tuple[Colour, ...]) -> Colour:
        return colours[int(random.integers(len(colours)))]

    return Looks(
        top=pick(CLOTHES), legs=pick(TROUSERS), skin=pick(SKINS), hijab=pick(CLOTHES) if covered else None,
        helmet=pick(CLOTHES) if riding and random.random() < 0.92 else None,
        skirt=not riding and covered and random.random() < 0.6, scale=float((1.55 if woman else 1.67) + random.normal(0, 0.05)) / 1.70,
    )  # fmt: skip


def _limb(top_m: float, end_m: float, side_m: float, radii_m: tuple[float, float], rgb: Colour) -> Mesh:
    wide, thin = radii_m
    rows = [
        (end_m, 0, side_m, thin, thin),
        ((top_m + end_m) / 2, 0, side_m, wide * 0.95, wide * 0.95),
        (top_m + 0.02, 0, side_m, wide, wide),
    ]
    return loft(ellipses(rows, 6), rgb)


def body(looks: Looks) -> Mesh:
    """The mesh of somebody standing, feet at the origin, looking along +x; parts as named above. 1.70 m times `scale`."""
    long_sleeves = looks.hijab is not None
    sleeve = looks.top if long_sleeves else looks.skin
    trunk = [(0.84, 0, 0, 0.12, 0.165), (0.95, 0, 0, 0.125, 0.17), (1.10, 0, 0, 0.11, 0.15), (1.28, 0, 0, 0.125, 0.18),
             (1.40, 0, 0, 0.10, 0.19), (1.46, 0, 0, 0.06, 0.08)]  # fmt: skip
    parts = [loft(ellipses(trunk, 10), looks.top), *_head(looks)]
    for side, thigh, shin, arm, fore in (
        (1, LEFT_THIGH, LEFT_SHIN, LEFT_ARM, LEFT_FORE),
        (-1, RIGHT_THIGH, RIGHT_SHIN, RIGHT_ARM, RIGHT_FORE),
    ):
        hip, shoulder = 0.09 * side, 0.21 * side
        parts.append(_limb(HIP_M, KNEE_M, hip, (0.085, 0.06), looks.legs).of_part(thigh))
        shoe = ball((0.05, hip, 0.045), (0.13, 0.048, 0.05), (0.04, 0.035, 0.03), sides=6)
        parts.append(merged([_limb(KNEE_M, 0.06, hip, (0.06, 0.042), looks.legs), shoe]).of_part(shin))
        parts.append(_limb(SHOULDER_M, ELBOW_M, shoulder, (0.055, 0.045), looks.top).of_part(arm))
        hand = ball((0, shoulder, 0.83), (0.04, 0.03, 0.06), looks.skin, sides=6)
        parts.append(merged([_limb(ELBOW_M, 0.86, shoulder, (0.042, 0.033), sleeve), hand]).of_part(fore))
    if looks.skirt:
        hem = [(0.10, 0, 0, 0.22, 0.23), (0.5, 0, 0, 0.17, 0.19), (0.95, 0, 0, 0.13, 0.17)]
        parts.append(loft(ellipses(hem, 10), looks.legs, capped=False).of_part(SKIRT))
    mesh = merged(parts)
    return mesh.placed(np.eye(3) * looks.scale)


def _head(looks: Looks) -> list[Mesh]:
    neck = loft(ellipses([(1.42, 0, 0, 0.055, 0.055), (1.54, 0.01, 0, 0.05, 0.05)], 6), looks.skin, capped=False)
    face = ball((0.015, 0, 1.595), (0.095, 0.075, 0.115), looks.skin)
    if looks.mask is not None:
        drop = 0.085 if looks.mask_low else 0.0
        face = merged([face, ball((0.042 - drop * 0.4, 0, 1.562 - drop), (0.082, 0.074, 0.062), looks.mask)])
    if looks.helmet is not None:
        return [neck, face, ball((-0.005, 0, 1.625), (0.135, 0.12, 0.125), looks.helmet, PAINT)]
    if looks.hijab is not None:
        veil = [(1.20, -0.01, 0, 0.15, 0.20), (1.38, -0.01, 0, 0.135, 0.20), (1.47, -0.01, 0, 0.09, 0.11), (1.56, -0.022, 0, 0.10, 0.095),
                (1.66, -0.018, 0, 0.10, 0.09), (1.715, -0.01, 0, 0.06, 0.05)]  # fmt: skip
        return [neck, face, loft(ellipses(veil, 10), looks.hijab)]
    return [neck, face, ball((-0.018, 0, 1.628), (0.10, 0.083, 0.10), (0.012, 0.010, 0.009))]


def _swing(angle_rad: float) -> Doubles:
    """Rotation about y: a positive angle brings what hangs down forward."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.asarray([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])


def pose(kind: Pose, phase: float, scale: float = 1.0) -> tuple[Floats, Floats]:
    """Rotations (10, 3, 3) and shifts (10, 3) of the parts.

    Args:
        phase: of the walk, in cycles; while standing, moves the weight a little.
        scale: of the body.
    """
    wave = 2 * np.pi * phase
    if kind in ("walk", "push"):
        thighs = (0.46 * np.sin(wave), -0.46 * np.sin(wave))
        shins = (thighs[0] - 0.75 * max(0.0, np.cos(wave)), thighs[1] - 0.75 * max(0.0, -np.cos(wave)))
        arms, bends, lean = (-0.38 * np.sin(wave), 0.38 * np.sin(wave)), 0.35, -0.03
        if kind == "push":
            arms, bends, lean = (0.75, 0.75), 0.35, -0.12
    elif kind == "stand":
        sway = 0.05 * np.sin(wave)
        thighs, shins, arms, bends, lean = (
            (sway, -sway),
            (sway, -sway),
            (0.1 + sway, 0.06),
            0.35 + 0.3 * float(np.sin(phase * 1.7) > 0.4),
            0.0,
        )
    elif kind == "cycle":
        thighs, shins, arms, bends, lean = (1.05, 0.45), (-0.05, -0.35), (0.85, 0.85), 0.25, -0.25
    elif kind == "fight":
        thighs, shins = (0.35 + 0.2 * np.sin(wave), -0.35), (0.1, -0.6)
        arms, bends, lean = (1.1 + 0.6 * np.sin(wave), 1.1 - 0.6 * np.sin(wave)), 0.9, -0.12 - 0.08 * float(np.sin(wave))
    else:
        thighs, shins, arms, bends, lean = (1.25, 1.25), (-0.25, -0.25), (0.75, 0.75), 0.45, -0.12
    turn, shift = np.zeros((10, 3, 3)), np.zeros((10, 3))
    trunk = _swing(lean)

    def joint(part: int, rotation: Doubles, pivot: tuple[float, float], onto: int | None) -> None:
        at = np.asarray([0.0, 0.0, pivot[0] * scale])
        moved = at if onto is None else turn[onto] @ at + shift[onto]
        turn[part], shift[part] = rotation, moved - rotation @ at

    joint(TRUNK, trunk, (HIP_M, 0), None)
    for side, (thigh, shin, arm, fore) in enumerate(
        ((LEFT_THIGH, LEFT_SHIN, LEFT_ARM, LEFT_FORE), (RIGHT_THIGH, RIGHT_SHIN, RIGHT_ARM, RIGHT_FORE))
    ):
        joint(thigh, _swing(thighs[side]), (HIP_M, 0), None)
        joint(shin, _swing(shins[side]), (KNEE_M, 0), thigh)
        joint(arm, _swing(arms[side]), (SHOULDER_M, 0), TRUNK)
        joint(fore, _swing(arms[side] + bends), (ELBOW_M, 0), arm)
    joint(SKIRT, np.eye(3), (HIP_M, 0), None)
    if kind in ("walk", "stand", "push", "fight"):
        # The lower foot touches the ground.
        foot = np.asarray([0.0, 0.0, 0.0])
        lowest = min(float((turn[s] @ foot + shift[s])[2]) for s in (LEFT_SHIN, RIGHT_SHIN))
        shift[:, 2] -= lowest
    else:
        seat_m = {"ride": 0.74, "cycle": 0.94}.get(kind, 0.45)
        shift[:, 2] += (seat_m - HIP_M) * scale
    return turn.astype(np.float32), shift.astype(np.float32)


def posed(mesh: Mesh, turn: Floats, shift: Floats) -> Mesh:
    """The mesh with its parts turned and shifted."""
    at = np.einsum("nij,nj->ni", turn[mesh.part], mesh.at_m) + shift[mesh.part]
    return replace(mesh, at_m=at, normal=np.einsum("nij,nj->ni", turn[mesh.part], mesh.normal))
