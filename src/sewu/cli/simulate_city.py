"""`sewu simulate city | register | fault`."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import ssl
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
import typer

from sewu.base.errors import BadSettings, StoreFull
from sewu.base.words import Words, choose_language
from sewu.simulate.casting import USER, Cast, LoopFiles, card_loop, cast, find_loops
from sewu.simulate.city import CITY_CAMERAS, make_city
from sewu.simulate.recipes import load_recipes, loops_held, names_recipes
from sewu.simulate.register import write_areas, write_cameras, write_lines
from sewu.simulate.rendering import Share
from sewu.simulate.server import CameraServer, ServerPlan, ServerSettings, fault
from sewu.simulate.server.control import ControlClient
from sewu.simulate.server.faults import FAULT_KINDS
from sewu.simulate.server.until import allow_many_connections, until_told

STATUS_EVERY_S = 5.0
Auth = Literal["none", "basic", "digest", "digest-sha256", "any"]


def default_control_file() -> Path:
    """Where a running city says how to reach it, unless told otherwise."""
    return platformdirs.user_runtime_path("sewu") / "city.json"


def _words() -> Words:
    return Words(choose_language(os.environ.get("SEWU_LANGUAGE") or os.environ.get("LANG")))


@dataclass(frozen=True, slots=True)
class Files:
    """What `sewu simulate city` writes."""

    folder: Path
    control: Path

    def write(self, casts: list[Cast], server: CameraServer, auth: Auth) -> None:
        """Register, zones, truth and passwords. Raises StoreFull."""
        try:
            (self.folder / "zones").mkdir(parents=True, exist_ok=True)
            for one in casts:
                if one.zones is not None:
                    shutil.copyfile(one.zones, self.folder / "zones" / f"{one.served.id}.toml")
            write_cameras([c.entry for c in casts], self.folder / "cameras.csv", None if auth == "none" else USER)
            write_lines((c.truth(server.started_at_s, server.loop_s(c.served.id)) for c in casts), self.folder / "truth.jsonl")
            if auth != "none":
                secret = self.folder / "secrets.json"
                with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                    json.dump({f"camera/{c.served.id}": c.served.password for c in casts}, file, indent=1)
        except OSError as error:
            raise StoreFull(f"{self.folder} cannot be written: {error.strerror}.", "Name another folder with --out.") from error


def city(  # noqa: PLR0913 - each is an option of the command line
    cameras: Annotated[int, typer.Option(min=1, max=100_000, help="How many cameras to serve, evenly chosen from the city.")] = 24,
    port: Annotated[int, typer.Option(min=0, max=65535, help="RTSP port; 0 lets the system choose.")] = 8554,
    http_port: Annotated[int, typer.Option(min=0, max=65535, help="HTTP port for HLS, MJPEG, stills and ONVIF.")] = 8555,
    host: Annotated[str, typer.Option(help="Address to listen on; the default reaches this machine only.")] = "127.0.0.1",
    public_host: Annotated[str | None, typer.Option(help="Name or address that clients are told, where it differs.")] = None,
    loops: Annotated[
        Path | None, typer.Option(help="Recipes (TOML) to render and play, `default`, or a folder of loops; a test card when left out.")
    ] = None,
    mix: Annotated[bool, typer.Option("--mix", help="Deal the loops out in turn, whatever scene the register names.")] = False,
    cache_gb: Annotated[float, typer.Option(min=0, help="Most that rendered loops may use on the disk; the oldest go first.")] = 4.0,
    auth: Annotated[Auth, typer.Option(help="What cameras ask for; passwords go into secrets.json.")] = "none",
    out: Annotated[Path, typer.Option(help="Folder for cameras.csv, zones, truth.jsonl and secrets.json.")] = Path("sewu-out/city"),
    control: Annotated[Path | None, typer.Option(help="Where to write how to command this city.")] = None,
    discovery: Annotated[bool, typer.Option(help="Answer ONVIF discovery on UDP port 3702.")] = False,
    certificate: Annotated[Path | None, typer.Option(help="PEM file with certificate and key, to serve RTSPS too.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another city.")] = 1,
) -> None:
    """Serve simulated cameras until stopped (Ctrl-C)."""
    allow_many_connections()
    say = _words()
    typer.echo(say("simulate.preparing", cameras=cameras))
    settings = ServerSettings(
        host=host, public_host=public_host, rtsp_port=port, http_port=http_port, discovery_port=3702 if discovery else None
    )
    chosen = make_city(seed, max(CITY_CAMERAS, cameras), f"rtsp://{public_host or host}:{port}").sample(cameras)
    with _loops(loops, round(cache_gb * 1e9), say) as found:
        casts = cast(chosen, found, auth, mix)
        plan = ServerPlan(cameras=tuple(c.served for c in casts), server=settings)
        asyncio.run(_serve(plan, casts, auth, Files(out, control or default_control_file()), _tls(certificate)))
    typer.echo(say("simulate.stopped"))


@contextmanager
def _loops(path: Path | None, limit_bytes: int, say: Words) -> Iterator[Sequence[LoopFiles]]:
    """The loops that `--loops` asks for; those that are rendered stay in the cache at least while they are served."""
    cache = platformdirs.user_cache_path("sewu")
    if path is None:
        typer.echo(say("simulate.testcard"))
        yield [card_loop(cache / "testcards")]
    elif not names_recipes(path):
        yield find_loops(path)
    else:
        recipes = load_recipes(path)
        with loops_held(recipes, cache / "loops", limit_bytes, _rendering(say)) as (loops, room):
            used = {"used_mb": round(room.used_bytes / 1e6), "limit_mb": round(limit_bytes / 1e6), "removed": len(room.removed)}
            typer.echo(say("simulate.cache", loops=len(loops), folder=cache / "loops", **used))
            yield loops


def _rendering(say: Words) -> Callable[[Share], None]:
    """One line that counts up where somebody looks on; elsewhere a line at every tenth."""
    watched = sys.stderr.isatty()
    shown = [-1]

    def show(share: Share) -> None:
        percent = int(share.done * 100) if watched else int(share.done * 10) * 10
        if percent > shown[0]:
            shown[0] = percent
            text = say("simulate.rendering", loops=share.loops, percent=percent)
            typer.echo(f"\r{text}" if watched else text, err=True, nl=not watched or percent == 100)

    return show


def _tls(certificate: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate)
    except (OSError, ssl.SSLError) as error:
        raise BadSettings(f"{certificate} is no usable certificate: {error}.", "Give one PEM file with certificate and key.") from error
    return context


async def _serve(plan: ServerPlan, casts: list[Cast], auth: Auth, files: Files, tls: ssl.SSLContext | None) -> None:
    say = _words()
    async with CameraServer(plan, tls=tls) as server:
        files.write([_with_urls(c, server) for c in casts], server, auth)
        server.write_control_file(files.control)
        for shown in casts[:3]:
            for scheme in ("rtsp", *(["rtsps"] if tls else []), "hls", "mjpeg"):
                typer.echo(f"  {server.url(shown.served.id, 'main', scheme)}")
        typer.echo(say("simulate.serving", cameras=len(casts), register=files.folder / "cameras.csv", control=files.control))
        reporting = asyncio.ensure_future(_report(server, say)) if sys.stderr.isatty() else None
        try:
            await until_told()
        finally:
            if reporting is not None:
                reporting.cancel()
                with suppress(asyncio.CancelledError):
                    await reporting
            files.control.unlink(missing_ok=True)


def _with_urls(one: Cast, server: CameraServer) -> Cast:
    """The port may have been chosen by the system only now."""
    sub = server.url(one.served.id, "sub") if one.served.sub else None
    camera = replace(one.entry.camera, stream_url=server.url(one.served.id), sub_stream_url=sub)
    return replace(one, entry=replace(one.entry, camera=camera))


async def _report(server: CameraServer, say: Callable[..., str]) -> None:
    while True:
        await asyncio.sleep(STATUS_EVERY_S)
        now = server.status()
        latest_ms = round(now["latest_s"] * 1000)
        text = say("simulate.status", clients=now["clients"], pictures=now["pictures"], dropped=now["dropped"], latest_ms=latest_ms)
        typer.echo(f"\r{text}", err=True, nl=False)


def register(
    out: Annotated[Path, typer.Option(help="CSV file of the cameras; the areas go beside it.")] = Path("cameras.csv"),
    cameras: Annotated[int, typer.Option(min=354, max=100_000, help="How many.")] = CITY_CAMERAS,
    base_url: Annotated[str, typer.Option(help="Where they are served.")] = "rtsp://127.0.0.1:8554",
    seed: Annotated[int, typer.Option(help="Another seed, another city.")] = 1,
) -> None:
    """Write the register of the whole simulated city: cameras and areas as CSV."""
    made = make_city(seed, cameras, base_url)
    areas = out.with_name(f"{out.stem}.areas.csv")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_cameras(made.entries, out)
        write_areas(made.areas, areas)
    except OSError as error:
        raise StoreFull(f"{out} cannot be written: {error.strerror}.", "Name another file with --out.") from error
    typer.echo(_words()("simulate.registered", cameras=len(made.entries), register=out, areas=areas))


def break_camera(
    camera: Annotated[str, typer.Argument(help="Id of a camera that is served.")],
    kind: Annotated[str, typer.Argument(help=f"One of: {', '.join(FAULT_KINDS)}; or none.")],
    value: Annotated[list[str] | None, typer.Option("--set", help="Strength, for example --set share=0.2; may be repeated.")] = None,
    control: Annotated[Path | None, typer.Option(help="Control file of the running city.")] = None,
) -> None:
    """Break a camera of the running city, or mend it with `none`."""
    client = ControlClient(control or default_control_file())
    values: dict[str, object] = {}
    for pair in value or []:
        name, equals, number = pair.partition("=")
        if not equals:
            raise BadSettings(f"--set {pair} is not NAME=VALUE.", "Write, for example, --set share=0.2.")
        values[name.strip()] = number.strip()
    client.set_fault(camera, None if kind == "none" else fault(kind, values))
    say = _words()
    typer.echo(say("simulate.mended", camera=camera) if kind == "none" else say("simulate.broken", camera=camera, kind=kind))


def mount(app: typer.Typer) -> None:
    """Put the commands under `sewu simulate`."""
    app.command("city")(city)
    app.command("register")(register)
    app.command("fault")(break_camera)
