"""A line chart as SVG coordinates: small, readable, without script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 160
LEFT, BOTTOM, TOP = 44, 22, 8


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws. Points are SVG units in a box of 640 x 160."""

    line: str
    area: str
    y_ticks: tuple[tuple[float, str], ...]
    x_ticks: tuple[tuple[float, str], ...]


def chart_of(points: Sequence[tuple[float, float]], duration_s: float) -> Chart:
    """Lay out (seconds, value) points over the whole duration, the value axis beginning at zero or below."""
    top = _nice_above(max((value for _, value in points), default=1.0))
    floor = min(0.0, min((value for _, value in points), default=0.0))
    span_s = max(duration_s, 1e-6)

    def x(at_s: float) -> float:
        return LEFT + (WIDTH - LEFT - 6) * min(1.0, at_s / span_s)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value - floor) / (top - floor)

    places = [(x(at_s), y(value)) for at_s, value in points]
    line = " ".join(f"{px:.1f},{py:.1f}" for px, py in places)
    area = f"{places[0][0]:.1f},{y(floor):.1f} {line} {places[-1][0]:.1f},{y(floor):.1f}" if places else ""
    step = top / 4 if top >= 4 or top < 1 else top / max(1, round(top))
    levels = [floor + step * index for index in range(round((top - floor) / step) + 1)]
    step_s = _time_step(span_s)
    marks = [step_s * index for index in range(int(span_s / step_s) + 1)]
    return Chart(
        line,
        area,
        tuple((y(level), f"{level:g}" if abs(level) < 1000 else f"{level / 1000:g}k") for level in levels),
        tuple((x(mark), f"{int(mark) // 60}:{int(mark) % 60:02}") for mark in marks),
    )


def _nice_above(value: float) -> float:
    if value <= 0 or not math.isfinite(value):
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * factor for factor in (1, 2, 4, 5, 8, 10) if power * factor >= value)


def _time_step(span_s: float) -> float:
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600)
    return next((float(step) for step in steps if span_s / step <= 8), 86400.0)
