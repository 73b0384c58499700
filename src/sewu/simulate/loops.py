"""A loop: a scene rendered once, with main and sub stream, zones file and truth, kept in a cache and served ever after."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np

from sewu.base.errors import BadSettings, BadSource, StoreFull
from sewu.base.records import Image
from sewu.simulate.loop_cache import holding
from sewu.simulate.scenes.actors import in_view, moving
from sewu.simulate.scenes.happenings import ZONE_KIND, HappeningKind, make_script
from sewu.simulate.scenes.layout import LAYOUTS
from sewu.simulate.scenes.lens import STRONGEST_K1
from sewu.simulate.scenes.light import LIGHTING, Light
from sewu.simulate.scenes.mesh import merged
from sewu.simulate.scenes.place import Layout, SceneKind
from sewu.simulate.scenes.render import Renderer
from sewu.simulate.scenes.scripts import Script
from sewu.simulate.scenes.sensor import Sensor, smaller
from sewu.simulate.scenes.signals import HEADS, Signals, lit, poles
from sewu.simulate.scenes.truth import Ledger, Observer
from sewu.simulate.scenes.world import WARM_UP_S, World
from sewu.simulate.scenes.zones import areas_json, zones_toml

MAIN_SIZE_PX, MAIN_FPS, MAIN_KBIT_S = (1920, 1080), 25, 4000
SUB_SIZE_PX, SUB_FPS, SUB_KBIT_S = (640, 360), 10, 400
FASTEST_FPS = 30
GOP_S = 2
NAMES_EVERY_S = 0.2
"""How often visibility is looked at; boxes are exact in each picture."""
VERSION = 3
"""Part of the cache's key: raise it when the same recipe looks different."""
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class LoopRecipe:
    """What to render. The same recipe gives the same truth, and on the same machine the same pictures.

    Raises:
        BadSettings: an unknown scene, happening or light, a size that is no multiple of 4, a length outside 1 to 3600 s, or a rate
            outside 10 to 30.
    """

    kind: SceneKind
    seed: int = 1
    duration_s: float = 60.0
    happenings: tuple[HappeningKind, ...] = ()
    light: Light = "day"
    size_px: tuple[int, int] = MAIN_SIZE_PX
    lens_k1: float = 0.0
    """Bending of the lens (`PoleCamera.k1`): -0.25 for a strong barrel to 0.25; 0 for none."""
    rate_fps: int = MAIN_FPS
    """Pictures a second of the main stream, 10 to 30; boxes of the truth are those of its pictures."""

    def __post_init__(self) -> None:
        for what, names, known in (
            ("scene", (self.kind,), LAYOUTS),
            ("happening", self.happenings, ZONE_KIND),
            ("light", (self.light,), LIGHTING),
        ):
            unknown = [name for name in names if name not in known]
            if unknown:
                raise BadSettings(f"There is no {what} {unknown[0]!r}.", f"Choose from {', '.join(known)}.")
        if not abs(self.lens_k1) <= STRONGEST_K1:
            raise BadSettings(f"A lens of k1 = {self.lens_k1:g} cannot be simulated.", f"Choose {-STRONGEST_K1} to {STRONGEST_K1}.")
        if not 1 <= self.duration_s <= 3600:
            raise BadSettings(f"A loop of {self.duration_s:g} s cannot be rendered.", "Choose 1 to 3600 s.")
        if self.rate_fps not in range(SUB_FPS, FASTEST_FPS + 1):
            raise BadSettings(f"{self.rate_fps:g} pictures a second cannot be rendered.", f"Choose {SUB_FPS} to {FASTEST_FPS}, whole.")
        if any(side % 4 or not 64 <= side <= 3840 for side in self.size_px):
            raise BadSettings(
                f"A picture of {self.size_px[0]} x {self.size_px[1]} cannot be rendered.", "Use multiples of 4 from 64 to 3840."
            )

    @property
    def name(self) -> str:
        """Name of the loop's folder: the scene, the light and a hash of everything."""
        digest = hashlib.sha256(json.dumps([VERSION, asdict(self)], sort_keys=True).encode()).hexdigest()[:12]
        return f"{self.kind}-{self.light}-{digest}"


@dataclass(frozen=True, slots=True)
class Loop:
    """A rendered loop; its truth is that of the main stream."""

    folder: Path
    duration_s: float
    streams: Mapping[str, Path]
    truth: Path


def build_world(recipe: LoopRecipe, warm_up_s: float = WARM_UP_S) -> tuple[Layout, World, list[Script]]:
    """The place and what moves in it at the loop's beginning. Raises BadSettings."""
    random, next_id = np.random.default_rng(recipe.seed), [1]
    layout = LAYOUTS[recipe.kind](random)
    layout = replace(layout, camera=replace(layout.camera, k1=recipe.lens_k1))
    scripts = [make_script(kind, layout, recipe.duration_s, random, next_id) for kind in recipe.happenings]
    return layout, World(layout, scripts, random, next_id, warm_up_s), scripts


def render_loop(recipe: LoopRecipe, cache: Path, progress: Progress | None = None) -> Loop:
    """The loop of this recipe, from the cache or rendered into it; see `loop_held`, which also keeps it there."""
    with loop_held(recipe, cache, progress) as loop:
        return loop


@contextmanager
def loop_held(recipe: LoopRecipe, cache: Path, progress: Progress | None = None) -> Iterator[Loop]:
    """The loop of this recipe, from the cache or rendered into it, whole or not at all; nobody removes it within the block.

    Args:
        progress: called with the share that is done, 0 to 1, while it is rendered.

    Raises:
        BadSettings: a happening that this scene or length does not allow.
        BadSource: this FFmpeg has no H.264 encoder.
        StoreFull: the cache cannot be written.
        Unavailable: this machine has no EGL.
    """
    with ExitStack() as held:
        try:
            folder = held.enter_context(holding(cache, recipe.name, lambda new: _render(recipe, new, progress or (lambda share: None))))
        except av.FFmpegError as error:
            raise BadSource(f"The loop {recipe.name} cannot be encoded: {error}.", "Check that PyAV has x264, and the disk.") from error
        except OSError as error:
            raise StoreFull(
                f"The loop {recipe.name} cannot be written to {cache}: {error.strerror}.", "Make room or name another folder."
            ) from error
        streams = {name: path for name in ("main", "sub") if (path := folder / f"{name}.mp4").is_file()}
        yield Loop(folder, recipe.duration_s, streams, folder / "truth")


def _render(recipe: LoopRecipe, folder: Path, progress: Progress) -> None:
    layout, world, scripts = build_world(recipe)
    rate_fps = recipe.rate_fps
    pictures, names_every = round(recipe.duration_s * rate_fps), round(NAMES_EVERY_S * rate_fps)
    observer, ledger = Observer(layout.camera, recipe.size_px), Ledger(layout.lines, rate_fps)
    light = LIGHTING[recipe.light]
    sensor, heads, shown = Sensor(light, recipe.size_px), HEADS.get(recipe.kind, ()), Signals()
    kbit_s = max(100, round(MAIN_KBIT_S * recipe.size_px[0] * recipe.size_px[1] / (MAIN_SIZE_PX[0] * MAIN_SIZE_PX[1])))
    with (
        Renderer(merged([layout.still, *poles(heads)]), layout.camera, light, recipe.size_px, layout.lamps) as renderer,
        _Film(folder / "main.mp4", recipe.size_px, rate_fps, kbit_s) as main,
        _Film(folder / "sub.mp4", SUB_SIZE_PX, SUB_FPS, SUB_KBIT_S) as sub,
    ):
        names = np.zeros((1, 1), np.float32)
        for index in range(pictures):
            actors = world.actors
            drawn, placed = moving(in_view(actors, layout.camera), layout.camera)
            colours = [world.traffic.colour(head.phase, world.t_s) for head in heads]
            drawn = lit(drawn, heads, colours)
            shown.add(index / rate_fps, {head.phase: colour for head, colour in zip(heads, colours, strict=True)})
            if index % names_every == 0:
                names = renderer.names(drawn)
            ledger.add(index, observer.see(placed, names))
            ledger.count(index, actors)
            planes = sensor.planes(renderer.draw(drawn), index)
            main.add(planes)
            if index * SUB_FPS // rate_fps != (index - 1) * SUB_FPS // rate_fps:
                sub.add(smaller(planes, recipe.size_px, SUB_SIZE_PX))
            world.step(1 / rate_fps)
            progress((index + 1) / pictures)
    ledger.write(folder / "truth", scripts)
    (folder / "truth" / "areas.json").write_text(areas_json(layout, recipe.size_px), encoding="utf-8")
    shown.write(folder / "truth", recipe.duration_s)
    (folder / "scene.toml").write_text(zones_toml(layout, recipe.size_px), encoding="utf-8")
    about = {"duration_s": recipe.duration_s, "synthetic": True, "recipe": asdict(recipe)}
    (folder / "loop.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


class _Film:
    """An H.264 file with closed GOPs of `GOP_S` seconds and no B pictures."""

    def __init__(self, path: Path, size_px: tuple[int, int], rate_fps: int, kbit_s: int) -> None:
        self._container = av.open(str(path), "w", options={"movflags": "faststart"})
        self._stream: Any = self._container.add_stream("libx264", rate=rate_fps)
        self._stream.width, self._stream.height, self._stream.pix_fmt = *size_px, "yuv420p"
        self._stream.bit_rate = kbit_s * 1000
        self._stream.codec_context.time_base = Fraction(1, rate_fps)
        self._stream.codec_context.thread_count = 1
        gop = GOP_S * rate_fps
        self._stream.options = {
            "preset": "superfast", "bf": "0", "g": str(gop),
            "x264-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0:vbv-maxrate={kbit_s * 2}:vbv-bufsize={kbit_s * 2}",
        }  # fmt: skip
        self._next = 0

    def add(self, planes: Image) -> None:
        """The next picture, I420."""
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = self._next
        self._next += 1
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()
