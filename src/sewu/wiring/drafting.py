"""`sewu zones draft`: a clip in, a zones file with a picture out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2

from sewu.base.clock import SystemClock
from sewu.base.errors import BadInput, BadSource
from sewu.base.space import Scene
from sewu.cameras import save_scene
from sewu.connect.opening import open_source
from sewu.decode.decoder import Decoder
from sewu.detect.onnx import DetectorSettings
from sewu.detect.shelf import default_detector, load
from sewu.flow import looks
from sewu.notice import RuleSet
from sewu.show.gather import Gathered
from sewu.show.overlay import draw_scene, jpeg
from sewu.store.files import write_whole
from sewu.study.draft import ZoneDraft
from sewu.wiring.analysis import MIN_SCORE
from sewu.wiring.flows import flow_for


def draft_zones(
    source: str, out: Path, model: str | None, rate_fps: float, seconds: float, on_progress: Callable[[float, float | None], None]
) -> tuple[Scene, Path]:
    """Watch `seconds` of a source, write the proposed zones to `out` and a picture of them beside it.

    Returns:
        The proposal and the picture's path.

    Raises:
        BadInput: the source, model or output cannot be used, or nothing moved.
    """
    if out.exists():
        raise BadInput(f"{out} exists already.", "Name another file with --out, or move it away.")
    cv2.setNumThreads(1)
    settings = DetectorSettings(min_score=MIN_SCORE)
    detector = load(model, settings) if model else default_detector(settings)[0]
    opened = open_source(source, "draft", SystemClock())
    gathered, proposal, first_s = Gathered(None), None, 0.0
    try:
        decoder = Decoder(opened.stream, max_rate_fps=rate_fps)
        for look in looks(opened, decoder, detector, flow_for("draft", None, RuleSet(), ())):
            if proposal is None:
                proposal, first_s = ZoneDraft(look.frame.size_px), look.frame.at_s
            proposal.add(look)
            gathered.on_look(look)
            on_progress(look.frame.at_s - first_s, opened.duration_s)
            if look.frame.at_s - first_s >= seconds:
                break
    finally:
        opened.close()
    if proposal is None or gathered.background is None:
        raise BadSource(f"{source} gave no picture.", "Check the clip.")
    scene = proposal.scene()
    if not scene.zones and not scene.lines:
        raise BadInput("Nothing moved or stood in this clip, so there is nothing to propose.", "Use a longer or busier clip.")
    out.parent.mkdir(parents=True, exist_ok=True)
    save_scene(scene, out)
    picture = out.with_suffix(".jpg")
    write_whole(picture, jpeg(draw_scene(gathered.background, scene)))
    return scene, picture
