"""Draws a scene: what stands still once, and over it what moves, frame by frame. OpenGL without a screen (EGL)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import moderngl
import numpy as np

from sewu.base.errors import Unavailable
from sewu.base.records import Floats, Image
from sewu.simulate.scenes import shaders
from sewu.simulate.scenes.camera import PoleCamera
from sewu.simulate.scenes.lens import Lens
from sewu.simulate.scenes.light import Lighting
from sewu.simulate.scenes.mesh import Mesh
from sewu.simulate.scenes.tiles import quads, touched

SHADE_PX = 2048
STILL_FACTOR = 2
SOFTEN = 0.35
"""How much of a pixel comes from its neighbours."""
EGL: dict[str, Any] = {"backend": "egl", "require": 330}
LAMP_RGB = (1.0, 0.78, 0.5)
BEAM_RGB = (1.0, 0.95, 0.8)


@dataclass(frozen=True, slots=True)
class Moving:
    """What is drawn of one frame.

    vertices: float32 (n, 12): position 3, normal 3, rgb 3, material, floor height, name. faces: int32 (m, 3).
    beams: float32 (k, 4), triangles of headlight on the road: position 3, power.
    """

    vertices: Floats
    faces: Any
    beams: Floats


NOTHING = Moving(np.zeros((0, 12), np.float32), np.zeros((0, 3), np.int32), np.zeros((0, 4), np.float32))
"""A frame in which nothing moves."""


def open_context() -> Any:
    """An OpenGL context without a screen.

    Raises:
        Unavailable: this machine has no EGL.
    """
    try:
        return moderngl.create_standalone_context(**EGL)
    except Exception as error:
        raise Unavailable(
            f"Scenes cannot be drawn here: EGL does not start ({error}).",
            "Install libegl1 and libgl1-mesa-dri (apt install libegl1 libgl1-mesa-dri), or play loops rendered elsewhere.",
        ) from error


class Renderer:
    """One camera's view. Use as a context manager.

    Args:
        still: everything that never moves.
        lamps: up to 8 street lamps (x, y, z), metres.

    Raises:
        Unavailable: this machine has no EGL.
    """

    def __init__(
        self,
        still: Mesh,
        camera: PoleCamera,
        lighting: Lighting,
        size_px: tuple[int, int],
        lamps: Sequence[tuple[float, float, float]] = (),
    ) -> None:
        self._lens = Lens(camera, size_px) if camera.k1 else None
        camera = self._lens.pinhole if self._lens else camera
        self.size_px, self._camera, self._light = size_px, camera, lighting
        self._gl = gl = open_context()
        self._matrix = camera.matrix(size_px)
        self._clip = camera.clip_matrix(size_px).astype("f4").T.tobytes()
        self._screen = {
            name: gl.program(vertex_shader=shaders.SCREEN_VERTEX, fragment_shader=fragment)
            for name, fragment in (("sky", shaders.SKY_FRAGMENT), ("smaller", shaders.SMALLER_FRAGMENT))
        }
        self._quads = {name: gl.vertex_array(program, []) for name, program in self._screen.items()}
        self._parts = {
            name: gl.program(vertex_shader=shaders.TILE_VERTEX, fragment_shader=fragment)
            for name, fragment in (
                ("blur", shaders.BLUR_FRAGMENT), ("compose", shaders.COMPOSE_FRAGMENT), ("post", shaders.POST_FRAGMENT),
            )
        }  # fmt: skip
        self._surface = gl.program(vertex_shader=shaders.SURFACE_VERTEX, fragment_shader=shaders.STILL_FRAGMENT)
        self._lean = gl.program(vertex_shader=shaders.SURFACE_VERTEX, fragment_shader=shaders.MOVING_FRAGMENT)
        self._flat = gl.program(vertex_shader=shaders.FLAT_VERTEX, fragment_shader=shaders.FLAT_FRAGMENT)
        self._beam = gl.program(vertex_shader=shaders.BEAM_VERTEX, fragment_shader=shaders.BEAM_FRAGMENT)
        self._name = gl.program(vertex_shader=shaders.NAME_VERTEX, fragment_shader=shaders.NAME_FRAGMENT)
        for program in (self._surface, self._lean, self._flat, self._beam, self._name):
            program["clip"].write(self._clip)
        self._light_surfaces(lamps)
        self._make_targets()
        self._draw_still(still)

    def __enter__(self) -> Self:
        return self

    @contextmanager
    def current(self) -> Iterator[None]:
        """Where several renderers take turns: makes this one's context the current one within the block."""
        with self._gl:
            yield

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._gl.release()

    def _light_surfaces(self, lamps: Sequence[tuple[float, float, float]]) -> None:
        light = self._light
        eight = np.zeros((8, 4), "f4")
        for row, lamp in zip(eight, lamps, strict=False):
            row[:] = (*lamp, light.lamps)
        values = {
            "eye": (self._camera.x_m, self._camera.y_m, self._camera.height_m), "sun": light.sun, "sun_rgb": light.sun_rgb,
            "sky_rgb": light.sky_rgb, "bounce_rgb": light.bounce_rgb, "haze_rgb": light.haze_rgb, "haze_per_m": light.haze_per_m,
            "wet": light.wet, "glow": light.glow, "lamp_rgb": LAMP_RGB, "shade": 0, "lamp_count": min(8, len(lamps)) if light.lamps else 0,
        }  # fmt: skip
        for program in (self._surface, self._lean):
            for name, value in values.items():
                # The compiler leaves out what a program does not use.
                if name in program:
                    program[name].value = value
            program["lamps"].write(eight.tobytes())
        self._screen["sky"]["sky_rgb"].value, self._screen["sky"]["haze_rgb"].value = light.sky_rgb, light.haze_rgb

    def _make_targets(self) -> None:
        gl, (width, height) = self._gl, self.size_px
        self._still = gl.texture((width, height), 4, dtype="f2")
        self._still_depth = gl.depth_texture((width, height))
        self._still_depth.compare_func = ""
        self._still_target = gl.framebuffer([self._still], self._still_depth)
        half = (width // 2, height // 2)
        self._mask = gl.texture(half, 3)
        self._mask_target = gl.framebuffer([self._mask], gl.depth_renderbuffer(half))
        self._names = gl.texture((width // 4, height // 4), 1, dtype="f4")
        self._names_target = gl.framebuffer([self._names], gl.depth_renderbuffer((width // 4, height // 4)))
        self._soft = gl.texture(half, 3)
        self._soft_target = gl.framebuffer([self._soft])
        self._frame = gl.texture((width, height), 4, dtype="f2")
        self._frame_target = gl.framebuffer([self._frame], gl.depth_renderbuffer((width, height)))
        self._out = gl.framebuffer([gl.renderbuffer((width, height), 3)])
        self._changed = np.ones_like(touched(NOTHING, self._matrix, self._light.sun, self.size_px))
        self._corners = gl.buffer(reserve=self._changed.size * 48, dynamic=True)
        self._tiles = {name: gl.vertex_array(program, [(self._corners, "2f", "in_uv")]) for name, program in self._parts.items()}
        for name, program in self._parts.items():
            program["upright"].value = -1.0 if name == "post" else 1.0

    def _shade_matrix(self) -> Floats:
        """Looks down from the sun on 120 m around the point ahead of the camera."""
        forward = -np.asarray(self._light.sun, np.float64)
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        ahead = self._camera.view()[2][:2]
        centre = np.asarray([self._camera.x_m, self._camera.y_m, 0.0]) + np.asarray([*(ahead * 38.0), 0.0])
        rows = np.stack([right / 60, np.cross(right, forward) / 60, forward / 100])
        return np.concatenate([np.concatenate([rows, -(rows @ centre)[:, None]], 1), [[0, 0, 0, 1]]]).astype(np.float32)

    def _draw_still(self, mesh: Mesh) -> None:
        gl = self._gl
        width, height = (side * STILL_FACTOR for side in self.size_px)
        vertices = gl.buffer(np.concatenate([mesh.at_m, mesh.normal, mesh.rgb, mesh.material[:, None]], 1).astype("f4").tobytes())
        faces = gl.buffer(mesh.faces.astype("i4").tobytes())
        shade = gl.program(vertex_shader=shaders.SHADE_VERTEX, fragment_shader=shaders.SHADE_FRAGMENT)
        to_shade = self._shade_matrix().T.tobytes()
        shade["clip"].write(to_shade)
        self._surface["to_shade"].write(to_shade)
        self._lean["to_shade"].write(to_shade)
        self._shade = gl.depth_texture((SHADE_PX, SHADE_PX))
        self._shade.compare_func = ""
        gl.enable(moderngl.DEPTH_TEST)
        target = gl.framebuffer([], self._shade)
        target.use()
        target.clear()
        gl.vertex_array(shade, [(vertices, "3f 28x", "in_at")], faces).render()
        big, depth = gl.texture((width, height), 4, dtype="f2"), gl.depth_texture((width, height))
        depth.compare_func = ""
        target = gl.framebuffer([big], depth)
        target.use()
        target.clear()
        gl.disable(moderngl.DEPTH_TEST)
        self._quads["sky"].render(vertices=3)
        gl.enable(moderngl.DEPTH_TEST)
        self._shade.use(0)
        layout = [(vertices, "3f 3f 3f 1f", "in_at", "in_normal", "in_rgb", "in_material")]
        gl.vertex_array(self._surface, layout, faces).render()
        big.use(0)
        depth.use(1)
        smaller = self._screen["smaller"]
        smaller["big"].value, smaller["depth"].value = 0, 1
        gl.depth_func = "1"
        # Masks and names are tested against a depth of their own size.
        for target in (self._still_target, self._mask_target, self._names_target):
            target.use()
            self._quads["smaller"].render(vertices=3)
        for thing in (big, depth, vertices, faces):
            thing.release()

    def draw(self, moving: Moving) -> Image:
        """One frame: uint8 (H, W, 3), RGB.

        Only tiles that what moves reaches, or reached in the frame before, are drawn; elsewhere the picture stays as it was.
        """
        gl, light = self._gl, self._light
        changed = touched(moving, self._matrix, light.sun, self.size_px)
        corners = quads(changed | self._changed, self.size_px)
        self._changed = changed
        if len(corners):
            self._corners.write(corners.tobytes())
        vertices = gl.buffer(moving.vertices.astype("f4").tobytes()) if len(moving.vertices) else None
        faces: Any = gl.buffer(np.ascontiguousarray(moving.faces, "i4").tobytes()) if vertices else None
        self._draw_mask(moving, vertices, faces)
        self._draw_tiles("blur", self._soft_target, len(corners), mask=self._mask)
        gl.enable(moderngl.DEPTH_TEST)
        gl.depth_func = "1"
        self._parts["compose"]["beam_rgb"].value = tuple(light.beams * v for v in BEAM_RGB)
        self._draw_tiles("compose", self._frame_target, len(corners), still=self._still, depth=self._still_depth, mask=self._soft)
        gl.depth_func = "<"
        if vertices:
            self._shade.use(0)
            layout = [(vertices, "3f 3f 3f 1f 8x", "in_at", "in_normal", "in_rgb", "in_material")]
            array = gl.vertex_array(self._lean, layout, faces)
            array.render()
            array.release()
        image = self._finish(len(corners))
        if vertices:
            vertices.release()
            faces.release()
        return image

    def _draw_tiles(self, name: str, target: Any, count: int, **textures: Any) -> None:
        """Run a program over the tiles in `_corners`."""
        target.use()
        for unit, (sampler, texture) in enumerate(textures.items()):
            texture.use(unit)
            self._parts[name][sampler].value = unit
        if count:
            self._tiles[name].render(vertices=count)

    def _draw_mask(self, moving: Moving, vertices: Any, faces: Any) -> None:
        gl = self._gl
        self._mask_target.use()
        self._mask_target.color_mask = (True, True, True, True)
        self._mask_target.depth_mask = False
        gl.clear(depth=0.0)  # the depth is kept: it is masked
        gl.enable(moderngl.DEPTH_TEST)
        gl.depth_func = "<"
        passes = (((True, False, False, False), self._light.sun, (0.85, 0, 0)), ((False, True, False, False), (0.0, 0.0, 1.0), (0, 1.0, 0)))
        for channels, sun, ink in passes if vertices else ():
            self._mask_target.color_mask = channels
            self._flat["sun"].value, self._flat["ink"].value = sun, ink
            array = gl.vertex_array(self._flat, [(vertices, "3f 28x 1f 4x", "in_at", "in_floor")], faces)
            array.render()
            array.release()
        if len(moving.beams) and self._light.beams > 0:
            self._mask_target.color_mask = (False, False, True, False)
            gl.enable(moderngl.BLEND)
            gl.blend_func = moderngl.ONE, moderngl.ONE
            buffer = gl.buffer(moving.beams.astype("f4").tobytes())
            array = gl.vertex_array(self._beam, [(buffer, "3f 1f", "in_at", "in_power")])
            array.render()
            gl.disable(moderngl.BLEND)
            array.release()
            buffer.release()
        self._mask_target.color_mask = (True, True, True, True)
        gl.disable(moderngl.DEPTH_TEST)

    def _finish(self, count: int) -> Image:
        self._gl.disable(moderngl.DEPTH_TEST)
        post = self._parts["post"]
        post["exposure"].value, post["soften"].value = self._light.exposure, SOFTEN
        self._draw_tiles("post", self._out, count, frame=self._frame)
        image = np.empty((self.size_px[1], self.size_px[0], 3), np.uint8)
        self._out.read_into(image, components=3, alignment=1)
        return self._lens.bend(image) if self._lens else image

    def names(self, moving: Moving) -> Floats:
        """Which thing is in front at a quarter of the size: (H / 4, W / 4), its name, 0 where nothing moves."""
        return self._identify(moving, self._names_target, alone=False)

    def masks(self, moving: Moving, *, alone: bool = False) -> Floats:
        """Which thing is in front, to the pixel: float32 (H, W), its name, 0 where nothing moves. For checking the truth.

        Args:
            alone: as if nothing stood still, so that only what moves hides what moves.
        """
        width, height = self.size_px
        colour, depth = self._gl.texture((width, height), 1, dtype="f4"), self._gl.depth_renderbuffer((width, height))
        target = self._gl.framebuffer([colour], depth)
        try:
            return self._identify(moving, target, alone=alone)
        finally:
            for thing in (target, colour, depth):
                thing.release()

    def _identify(self, moving: Moving, target: Any, *, alone: bool) -> Floats:
        """Draw flat names into a target of one float channel, before the depth of what stands still."""
        gl = self._gl
        target.use()
        target.depth_mask = True
        gl.enable(moderngl.DEPTH_TEST)
        target.clear()
        if not alone:
            gl.depth_func = "1"
            self._still.use(0)
            self._still_depth.use(1)
            smaller = self._screen["smaller"]
            smaller["big"].value, smaller["depth"].value = 0, 1
            self._quads["smaller"].render(vertices=3)
            target.depth_mask = False
            gl.clear()
            target.depth_mask = True
        gl.depth_func = "<"
        if len(moving.vertices):
            vertices = gl.buffer(moving.vertices.astype("f4").tobytes())
            faces = gl.buffer(np.ascontiguousarray(moving.faces, "i4").tobytes())
            array = gl.vertex_array(self._name, [(vertices, "3f 32x 1f", "in_at", "in_name")], faces)
            array.render()
            for thing in (array, vertices, faces):
                thing.release()
        width, height = target.size
        found: Floats = np.frombuffer(target.read(components=1, dtype="f4", alignment=1), np.float32).reshape(height, width)[::-1]
        return self._lens.bend_names(found) if self._lens else found
