"""What lights a scene: day, night, rain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Light = Literal["day", "night", "rain"]
Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Lighting:
    """Linear light; `sun` points to the sun. `glow` is how bright lamps look, `lamps` how far they light."""

    sun: Rgb = (-0.45, -0.42, 0.79)
    sun_rgb: Rgb = (1.55, 1.42, 1.22)
    sky_rgb: Rgb = (0.50, 0.58, 0.70)
    bounce_rgb: Rgb = (0.26, 0.25, 0.23)
    haze_rgb: Rgb = (0.72, 0.78, 0.84)
    haze_per_m: float = 0.0022
    wet: float = 0.0
    glow: float = 1.0
    lamps: float = 0.0
    beams: float = 0.0
    exposure: float = 0.72
    grain: float = 0.012
    rain: float = 0.0


LIGHTING: dict[Light, Lighting] = {
    "day": Lighting(),
    "rain": Lighting(
        sun_rgb=(0.10, 0.10, 0.10), sky_rgb=(0.52, 0.56, 0.60), bounce_rgb=(0.2, 0.2, 0.2), haze_rgb=(0.5, 0.53, 0.56),
        haze_per_m=0.008, wet=1.0, beams=0.5, exposure=0.85, grain=0.02, rain=1.0, glow=1.4,
    ),
    "night": Lighting(
        sun_rgb=(0.02, 0.025, 0.035), sky_rgb=(0.022, 0.027, 0.04), bounce_rgb=(0.015, 0.014, 0.013), haze_rgb=(0.025, 0.025, 0.03),
        haze_per_m=0.003, glow=2.2, lamps=11.0, beams=2.6, exposure=1.15, grain=0.035,
    ),
}  # fmt: skip
"""The three that a recipe may name."""
