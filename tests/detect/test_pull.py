from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sewu.base.clock import ManualClock
from sewu.base.errors import BadModel, Refused, Retry, SewuError, StoreFull, StreamBroken
from sewu.detect.pull import Download, download
from tests.detect.server import Habits, serving

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def habits() -> Habits:
    return Habits(CONTENT)


@pytest.fixture
def url(habits: Habits) -> Iterator[str]:
    with serving(habits) as address:
        yield address


def job(url: str, folder: Path, attempts: int = 1, timeout_s: float = 5.0, sha256: tuple[str, ...] = (SHA256,)) -> Download:
    return Download(url, folder / "m.onnx", sha256, timeout_s, attempts)


def seen(folder: Path) -> set[str]:
    """The files a user sees: not the hidden ones."""
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")} if folder.exists() else set()


def test_a_download_reports_progress_and_leaves_one_file(tmp_path: Path, url: str) -> None:
    steps: list[tuple[int, int | None]] = []
    assert download(job(url, tmp_path / "new" / "folder"), lambda done, total: steps.append((done, total))) == SHA256
    assert (tmp_path / "new" / "folder" / "m.onnx").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["m.onnx"]
    assert steps[0] == (0, len(CONTENT)) and steps[-1] == (len(CONTENT), len(CONTENT)) and len(steps) > 3


def test_a_broken_transfer_goes_on_where_it_stopped(tmp_path: Path, url: str, habits: Habits) -> None:
    habits.stop_after = [100_000, 50_000]
    clock = ManualClock()
    assert download(job(url, tmp_path, attempts=3), clock=clock) == SHA256
    assert [wanted for _, wanted in habits.requests] == [None, "bytes=100000-", "bytes=150000-"]
    assert clock.steady_s() > 0


def test_a_later_pull_goes_on_where_an_earlier_one_gave_up(tmp_path: Path, url: str, habits: Habits) -> None:
    habits.stop_after = [200_000]
    with pytest.raises(StreamBroken, match="cannot be fetched"):
        download(job(url, tmp_path))
    assert seen(tmp_path) == set()
    assert download(job(url, tmp_path)) == SHA256
    assert habits.requests[1][1] == "bytes=200000-"
    assert list(tmp_path.iterdir()) == [tmp_path / "m.onnx"]


def test_a_file_that_changed_on_the_server_is_fetched_anew(tmp_path: Path, url: str, habits: Habits) -> None:
    habits.stop_after = [200_000]
    with pytest.raises(StreamBroken):
        download(job(url, tmp_path))
    habits.etag, habits.content = '"v2"', CONTENT[::-1]
    assert download(job(url, tmp_path, sha256=())) == hashlib.sha256(CONTENT[::-1]).hexdigest()


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_validator_it_starts_over(tmp_path: Path, url: str, habits: Habits, etag: str | None) -> None:
    habits.etag, habits.stop_after = etag, [200_000]
    assert download(job(url, tmp_path, attempts=2), clock=ManualClock()) == SHA256
    assert [wanted for _, wanted in habits.requests] == [None, None]


def test_a_server_without_ranges_sends_all_again(tmp_path: Path, url: str, habits: Habits) -> None:
    habits.ranges, habits.stop_after = False, [200_000]
    assert download(job(url, tmp_path, attempts=2), clock=ManualClock()) == SHA256


def test_a_part_that_is_longer_than_the_file_is_thrown_away(tmp_path: Path, url: str, habits: Habits) -> None:
    habits.stop_after = [200_000]
    with pytest.raises(StreamBroken):
        download(job(url, tmp_path))
    with (tmp_path / ".m.onnx.part").open("ab") as part:
        part.write(b"x" * len(CONTENT))
    assert download(job(url, tmp_path, attempts=2), clock=ManualClock()) == SHA256


def test_a_wrong_hash_keeps_nothing(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadModel, match=SHA256) as caught:
        download(job(url, tmp_path, sha256=("0" * 64, "1" * 64)))
    assert "Do not use it" in caught.value.advice
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_file_does_not_replace_a_right_one(tmp_path: Path, url: str) -> None:
    (tmp_path / "m.onnx").write_bytes(b"good")
    with pytest.raises(BadModel):
        download(job(url, tmp_path, sha256=("0" * 64,)))
    assert (tmp_path / "m.onnx").read_bytes() == b"good"


@pytest.mark.parametrize(
    ("status", "error"), [(404, Refused), (403, Refused), (500, StreamBroken), (503, StreamBroken), (429, StreamBroken)]
)
def test_a_refusal_is_told_from_a_server_in_trouble(tmp_path: Path, url: str, habits: Habits, status: int, error: type[SewuError]) -> None:
    habits.status = status
    with pytest.raises(error, match=str(status)):
        download(job(url, tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_redirects_are_followed_but_not_for_ever(tmp_path: Path, url: str, habits: Habits) -> None:
    habits.redirects = 3
    assert download(job(url, tmp_path)) == SHA256
    habits.redirects = 50
    with pytest.raises(Refused, match="circles"):
        download(job(url, tmp_path))


def test_a_server_that_stops_sending_is_given_up(tmp_path: Path, url: str, habits: Habits) -> None:
    habits.chunk_pause_s = 0.6
    with pytest.raises(StreamBroken, match="ReadTimeout"):
        download(job(url, tmp_path, timeout_s=0.2))


@pytest.mark.parametrize(
    ("address", "error"),
    [("http://127.0.0.1:9/m.onnx", Retry), ("http://no-such-host.invalid/m.onnx", Retry), ("nonsense://x", Refused), ("http://", Refused)],
)
def test_an_unreachable_address_comes_with_advice(tmp_path: Path, address: str, error: type[SewuError]) -> None:
    with pytest.raises(error) as caught:
        download(job(address, tmp_path))
    assert "HTTPS_PROXY" in caught.value.advice


def test_a_proxy_from_the_environment_is_used(tmp_path: Path, url: str, habits: Habits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", url.rsplit("/", 1)[0])
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert download(job("http://models.example/m.onnx", tmp_path)) == SHA256
    assert habits.requests[0][0] == "http://models.example/m.onnx"


def test_two_pulls_of_one_model_do_not_write_into_each_other(tmp_path: Path, url: str, habits: Habits) -> None:
    habits.chunk_pause_s = 0.15
    started = threading.Event()
    first = threading.Thread(target=download, args=(job(url, tmp_path), lambda done, total: started.set()), daemon=True)
    first.start()
    assert started.wait(5)
    with pytest.raises(Retry, match=r"Another process is pulling m\.onnx"):
        download(job(url, tmp_path))
    first.join(10)
    assert (tmp_path / "m.onnx").read_bytes() == CONTENT


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from sewu.base.errors import StoreFull
from sewu.detect.pull import Download, download
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    download(Download(sys.argv[1], Path(sys.argv[2]), attempts=1))
except StoreFull as error:
    print(error, flush=True)
    sys.exit(error.exit_code)
"""


def test_a_full_disk_is_said_so_and_left_no_fuller(tmp_path: Path, url: str) -> None:
    """A limit on the size of files makes the kernel refuse the write in the middle, as a full disk does."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)
    folder, said = tmp_path / "disk", tmp_path / "said.txt"
    with said.open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-c", FULL_DISK, url, str(folder / "m.onnx")],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=30,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    assert done.returncode == StoreFull.exit_code, said.read_text()
    assert "is full" in said.read_text() and list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, url: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SewuError, match="cannot be written"):
        download(job(url, tmp_path / "file"))
