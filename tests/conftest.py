"""Fixtures shared by the contract suites that run over both databases."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Postgres, running_postgres

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the whole run of a test process."""
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind; PostgreSQL is skipped, with the reason, where it is not installed."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'sewu.sqlite'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.create(f"t{next(_numbers)}")
