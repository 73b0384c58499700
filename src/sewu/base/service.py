"""The folder and the settings of a city service: where its database, key, evidence and observations are.

HOME/sewu.toml      these settings
HOME/sewu.key       the keys that secrets are encrypted with, mode 0600, never in a backup of the database
HOME/sewu.sqlite    the database, unless `database_url` names another
HOME/evidence/      stills and clips
HOME/observations/  what the analytics measured
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import platformdirs
from pydantic import Field, field_validator, model_validator

from sewu.base.errors import BadSettings
from sewu.base.settings import Settings, load_settings
from sewu.base.words import Language

HOME_VARIABLE = "SEWU_HOME"
OIDC_SECRET_VARIABLE = "SEWU_OIDC_SECRET"  # noqa: S105 the name of the variable, no secret
ISSUER_PATTERN = r"^(https://[^\s/?#@]+|http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?)(/[^\s?#]*)?$"
Days = Annotated[float, Field(gt=0, le=36_500)]


class Retention(Settings):
    """How long each class of data is kept, in days. The audit is never deleted."""

    changes_days: Days = 7.0
    """The list of changes that screens follow."""
    health_days: Days = 400.0
    """When each camera was up and when it was down."""
    incidents_days: Days = 1826.0
    """Closed incidents, with their history."""
    sessions_days: Days = 30.0
    """Log-ins that have ended."""
    evidence_days: Days = 90.0
    """Stills and clips that no lock holds."""
    observations_days: Days = 400.0
    """What the analytics measured."""


class OidcSettings(Settings):
    """Log-in by the city's own identity provider (OpenID Connect). The client's secret is not here: `SEWU_OIDC_SECRET`."""

    issuer: Annotated[str, Field(pattern=ISSUER_PATTERN, max_length=500)]
    """The provider, exactly as it names itself; https, or http on this machine."""
    client_id: Annotated[str, Field(min_length=1, max_length=200)]
    """How the provider knows this service."""
    label: Annotated[str, Field(min_length=1, max_length=60)] = "SSO"
    """What the button on the log-in page calls the provider."""
    scopes: tuple[Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,100}$")], ...] = ("openid", "profile")
    """Scopes to ask for; openid must be among them."""
    creates_people: bool = False
    """Whether somebody unknown is added, without any right, at the first log-in."""

    @field_validator("scopes")
    @classmethod
    def _with_openid(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in scopes:
            raise ValueError("openid must be among them")
        return scopes


class ServiceSettings(Settings):
    """The settings of `sewu serve` (sewu.toml in the home folder)."""

    city_name: Annotated[str, Field(min_length=1, max_length=100)] = "Kota Semarang"
    """The city, as screens and messages name it."""
    city_code: Annotated[str, Field(pattern=r"^[0-9]{2}\.[0-9]{2}$")] = "33.74"
    """Kemendagri code of the city; every area lies below it."""
    language: Language = "id"
    """Language of messages that the service sends by itself."""
    timezone: Annotated[str, Field(max_length=64)] = "Asia/Jakarta"
    """IANA name of the time zone in which hours and days are meant."""
    database_url: Annotated[str, Field(max_length=1000)] | None = None
    """sqlite:///path or postgresql://user:password@host/name; sewu.sqlite in the home folder when left out."""
    listen: Annotated[str, Field(pattern=r"^(\[[0-9a-fA-F:]+\]|[^\s:/\[\]]+):[0-9]{1,5}$")] = "127.0.0.1:8374"
    """Address and port of the web service; behind a TLS proxy in a city."""
    public_url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=200)] | None = None
    """How people's browsers reach the service; log-in pages, links in messages and cookies depend on it."""
    observations_folder: Path | None = None
    """Where the watch engine writes what it measures; observations/ in the home folder when left out."""
    evidence_folder: Path | None = None
    """Where stills and clips are kept; evidence/ in the home folder when left out."""
    watched_tag: Annotated[str, Field(max_length=100)] | None = None
    """Only cameras with this tag are handed to the watch engine; all when left out."""
    retention: Retention = Retention()
    """How long data is kept."""
    oidc: OidcSettings | None = None
    """Log-in by an identity provider; only local log-in when left out."""

    @model_validator(mode="after")
    def _reachable(self) -> ServiceSettings:
        if self.oidc is not None and self.public_url is None:
            raise ValueError("oidc needs public_url: the provider sends browsers back there")
        return self


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one service, with its settings read."""

    folder: Path
    settings: ServiceSettings

    @property
    def settings_file(self) -> Path:
        return self.folder / "sewu.toml"

    @property
    def key_file(self) -> Path:
        return self.folder / "sewu.key"

    @property
    def database_url(self) -> str:
        """The database that the settings name, else the SQLite file in this folder."""
        return self.settings.database_url or f"sqlite:///{self.folder / 'sewu.sqlite'}"

    @property
    def evidence_folder(self) -> Path:
        return self.settings.evidence_folder or self.folder / "evidence"

    @property
    def observations_folder(self) -> Path:
        return self.settings.observations_folder or self.folder / "observations"


def home_folder(named: Path | None, environment: Mapping[str, str] | None = None) -> Path:
    """The home folder: the one named, else `SEWU_HOME`, else the platform's folder for a user's data; absolute."""
    variable = (os.environ if environment is None else environment).get(HOME_VARIABLE)
    if named is None and not variable:
        return Path(platformdirs.user_data_dir("sewu", appauthor=False)).absolute()
    return (named or Path(variable or ".")).expanduser().absolute()


def open_home(named: Path | None = None) -> Home:
    """The home that `sewu init` made.

    Raises:
        BadSettings: there is none, or its settings are faulty.
    """
    folder = home_folder(named)
    file = folder / "sewu.toml"
    if not file.is_file():
        raise BadSettings(f"{folder} is not the home of a service.", "Run `sewu init` first, or name the right folder with --home.")
    return Home(folder, load_settings(ServiceSettings, file))
