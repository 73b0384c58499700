"""What a mask covers is black in every picture that leaves, and nothing else is; without the masks nothing leaves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sewu.base.errors import BadSource, NotFound
from sewu.base.evidence import EvidenceItem
from sewu.base.register import RegisteredCamera
from sewu.connect.file import FileSource
from sewu.decode.decoder import Decoder
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.wiring.masking import burnt, masking, write_clip
from tests.clips import Clip, picture, write
from tests.respond.desks import CITY, NOW_S, run

LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def item(kind: str, camera_id: str | None = "K1") -> EvidenceItem:
    return EvidenceItem("evd_1", "inc_1", kind, "0" * 64, 1, "video/mp4", NOW_S, NOW_S, NOW_S, camera_id)  # type: ignore[arg-type]


def test_a_mask_covers_its_polygon_and_leaves_the_rest() -> None:
    image = np.full((60, 80, 3), 200, np.uint8)
    masked = burnt(image, [LEFT_HALF, ((0.75, 0.5), (1.0, 0.5), (1.0, 1.0))])
    assert (masked[:, :40] == 0).all() and (masked[:25, 45:] == 200).all() and (masked[50, 79] == 0).all()
    assert (image == 200).all()


def test_a_clip_is_masked_in_every_picture(tmp_path: Path) -> None:
    source, target = write(tmp_path / "clip.mp4", Clip(frames=20)), tmp_path / "masked.mp4"
    stored = source.rename(tmp_path / ("a" * 64))  # as blobs are named
    write_clip(stored, target, [LEFT_HALF])
    clip = FileSource(target, "x", start_s=0.0)
    decoder = Decoder(clip.stream)
    frames = [frame for packet in clip for frame in decoder.decode(packet)] + list(decoder.flush())
    clip.close()
    assert len(frames) == 20
    for frame in frames:
        assert frame.image[:, :76].mean() < 12 and frame.image[20:40, 90:].mean() > 90
    assert frames[-1].at_s - frames[0].at_s == pytest.approx(1.9, abs=0.02)


@pytest.mark.parametrize("keep", [0.6, 0.0])
def test_a_clip_that_was_cut_off_is_not_handed_out(tmp_path: Path, keep: float) -> None:
    source = write(tmp_path / "clip.mp4", Clip(frames=30))
    source.write_bytes(source.read_bytes()[: int(source.stat().st_size * keep)])
    with pytest.raises(BadSource):
        write_clip(source, tmp_path / "masked.mp4", [LEFT_HALF])
    assert not (tmp_path / "masked.mp4").exists()


def test_masks_come_from_the_register_and_an_unknown_camera_lets_nothing_out(tmp_path: Path) -> None:
    still = tmp_path / "still"
    still.write_bytes(cv2.imencode(".png", picture(3))[1].tobytes())

    async def work(database: Database) -> None:
        cameras = Cameras(database)
        rows = [
            RegisteredCamera("K1", "a", "rtsp://h/1", "33.74.01", masks=(LEFT_HALF,)),
            RegisteredCamera("K2", "b", "rtsp://h/2", "33.74.01"),
        ]
        await cameras.put(CITY, rows, NOW_S)
        mask = masking(cameras, CITY)
        assert await mask(still, tmp_path / "out.jpg", item("still")) is True
        assert not await mask(still, tmp_path / "other.jpg", item("still", "K2")) and not (tmp_path / "other.jpg").exists()
        for unknown in ("K9", None):
            with pytest.raises(NotFound):
                await mask(still, tmp_path / "no.jpg", item("still", unknown))
        (tmp_path / "bad").write_bytes(b"no picture")
        with pytest.raises(BadSource):
            await mask(tmp_path / "bad", tmp_path / "no.jpg", item("still"))

    run(f"sqlite:///{tmp_path / 'sewu.sqlite'}", work)
    picked = cv2.imread(str(tmp_path / "out.jpg"))
    assert picked is not None and picked[:, :72].mean() < 10 < picked[:, 90:].mean()
