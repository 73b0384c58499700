"""A backup restores into either database, whole or not at all."""

from __future__ import annotations

import asyncio
import gzip
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from sewu.base.errors import BadInput, BadSettings, SewuError
from sewu.base.places import real_areas
from sewu.base.records import Place
from sewu.base.register import CameraState, Login, RegisteredCamera
from sewu.base.rights import Scope
from sewu.store.operations.areas import Areas
from sewu.store.operations.backup import backup, restore
from sewu.store.operations.cameras import Cameras
from sewu.store.operations.database import Database
from sewu.store.operations.migrations import current_revision, differences
from sewu.store.operations.schema import metadata
from sewu.store.operations.states import States
from sewu.store.operations.tables import changes
from sewu.store.operations.vault import Vault
from tests.databases import Postgres
from tests.store.operations.test_migrations import run

CITY = Scope(("33.74",))
VAULT = Vault(("Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE=",))
CAMERA = RegisteredCamera(
    "K1", "Ö 'satu'", "rtsp://h/x", "33.74.01.1001", place=Place(-7, 110.4), tags=("a",), masks=(((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)),)
)


async def fill(database: Database) -> None:
    await database.upgrade()
    await Areas(database).put(real_areas(), 1.0)
    await Cameras(database, VAULT).put(CITY, [CAMERA], 1.0, {"K1": Login("u", "rahasia")})
    await States(database).write("s", 1, [CameraState("K1", "up", 1.0, None, 1.0, None, {"rate_fps": 9.5})], 1.0)


async def counts(database: Database) -> dict[str, int]:
    async with database.reading() as connection:
        return {t.name: int((await connection.execute(select(func.count()).select_from(t))).scalar_one()) for t in metadata.sorted_tables}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_backup_restores_into_either_database(database_url: str, kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    postgres: Postgres | None = request.getfixturevalue("postgres") if kind == "postgresql" else None
    other = f"sqlite:///{tmp_path / 'other.sqlite'}" if postgres is None else postgres.create(f"other{database_url[:6]}".replace(":", ""))
    file = tmp_path / "b" / "sewu.backup"

    async def save(database: Database) -> Any:
        await fill(database)
        return await backup(database, file, 9.0), await counts(database), await Cameras(database).get(CITY, "K1")

    async def load(database: Database) -> Any:
        report = await restore(database, file)
        logins = await Cameras(database, VAULT).logins(CITY, ["K1"])
        found = counts(database), Cameras(database).get(CITY, "K1"), differences(database)
        after = [await one for one in found]
        await States(database).write("s", 2, [CameraState("K1", "down", 2.0, "dark")], 2.0)  # numbers go on after the restored ones
        async with database.reading() as connection:
            numbers = (await connection.execute(select(changes.c.sequence).order_by(changes.c.sequence))).scalars().all()
        return report, logins, *after, numbers

    saved, rows, camera = run(database_url, save)
    report, logins, restored, again, differing, numbers = run(other, load)
    assert restored == rows and again == camera and differing == [] and logins == {"K1": Login("u", "rahasia")}
    assert {name: count for name, count in saved.rows.items() if count} == report.rows and report.made_at_s == 9.0
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) == rows["change"] + 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "rahasia" not in gzip.decompress(file.read_bytes()).decode()


def test_a_database_that_holds_something_is_not_overwritten(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        with pytest.raises(BadSettings, match="revision None"):
            await backup(database, tmp_path / "b", 1.0)
        await fill(database)
        await backup(database, tmp_path / "b", 1.0)
        with pytest.raises(BadSettings, match="not empty"):
            await restore(database, tmp_path / "b")

    run(f"sqlite:///{tmp_path / 'x.sqlite'}", work)


@pytest.mark.parametrize("keep", [0, 1, 2, 50, -1])
def test_a_backup_that_was_cut_off_restores_nothing(tmp_path: Path, keep: int) -> None:
    async def work(database: Database) -> str | None:
        await fill(database)
        await backup(database, tmp_path / "b", 1.0)
        lines = gzip.decompress((tmp_path / "b").read_bytes()).splitlines(keepends=True)
        kept = [*lines[:-2], lines[-1]] if keep < 0 else lines[:keep]
        (tmp_path / "b").write_bytes(gzip.compress(b"".join(kept)))
        fresh = Database(f"sqlite:///{tmp_path / 'fresh.sqlite'}")
        try:
            with pytest.raises(BadInput):
                await restore(fresh, tmp_path / "b")
            return await current_revision(fresh)
        finally:
            await fresh.close()

    assert run(f"sqlite:///{tmp_path / 'x.sqlite'}", work) is None


def test_a_backup_of_a_newer_sewu_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(gzip.compress(b'{"format":"sewu-backup-1","revision":"9999","made_at_s":1}\n{"end":{}}\n'))

    async def work(database: Database) -> None:
        with pytest.raises(BadInput, match="newer Sewu"):
            await restore(database, tmp_path / "b")

    run("sqlite://", work)


HEAD = b'{"format":"sewu-backup-1","revision":"0001","made_at_s":1}\n'


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=60), st.binary(max_size=60).map(gzip.compress), st.binary(max_size=60).map(lambda b: gzip.compress(HEAD + b))
    )
)
def test_any_bytes_are_refused_clearly(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "b").write_bytes(data)

    async def whole() -> None:
        database = Database("sqlite://")
        try:
            await restore(database, tmp_path / "b")
        except SewuError as error:
            assert error.advice
        finally:
            await database.close()

    asyncio.run(whole())
