"""Logging in: Basic (RFC 7617) and Digest with MD5 or SHA-256 (RFC 2617, RFC 7616)."""

from __future__ import annotations

import hashlib
import re
import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field

MAX_CHALLENGE_CHARS = 4096
_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))')
_STRENGTH = ("basic", "md5", "md5-sess", "sha-256", "sha-256-sess")


@dataclass(frozen=True, slots=True)
class Login:
    """A user and the password, which is never printed."""

    user: str
    password: str = field(repr=False)


@dataclass(slots=True)
class Challenge:
    """How a server wants us to log in. `algorithm` is "basic" or a Digest algorithm in lower case."""

    algorithm: str
    realm: str
    nonce: str = ""
    opaque: str | None = None
    has_qop: bool = False
    stale: bool = False
    used: int = 0

    def answer(self, login: Login, method: str, uri: str, cnonce: str | None = None) -> str:
        """The value of the `Authorization` header for one request."""
        if self.algorithm == "basic":
            return "Basic " + b64encode(f"{login.user}:{login.password}".encode()).decode()
        hashed = _sha256 if self.algorithm.startswith("sha-256") else _md5
        cnonce = cnonce or secrets.token_hex(8)
        secret = hashed(f"{login.user}:{self.realm}:{login.password}")
        if self.algorithm.endswith("-sess"):
            secret = hashed(f"{secret}:{self.nonce}:{cnonce}")
        request = hashed(f"{method}:{uri}")
        self.used += 1
        fields = [("username", login.user), ("realm", self.realm), ("nonce", self.nonce), ("uri", uri)]
        bare = [] if self.algorithm == "md5" else [f"algorithm={self.algorithm.upper()}"]
        if self.has_qop:
            fields += [("response", hashed(f"{secret}:{self.nonce}:{self.used:08x}:{cnonce}:auth:{request}")), ("cnonce", cnonce)]
            bare += ["qop=auth", f"nc={self.used:08x}"]
        else:
            fields.append(("response", hashed(f"{secret}:{self.nonce}:{request}")))
            if self.algorithm.endswith("-sess"):
                fields.append(("cnonce", cnonce))
        if self.opaque is not None:
            fields.append(("opaque", self.opaque))
        return "Digest " + ", ".join([*(f'{name}="{_quoted(value)}"' for name, value in fields), *bare])


def strongest(headers: Sequence[str]) -> Challenge | None:
    """The strongest challenge that we can answer among `WWW-Authenticate` headers; None when there is none."""
    found = [challenge for header in headers[:8] if (challenge := _challenge(header[:MAX_CHALLENGE_CHARS])) is not None]
    return max(found, key=lambda challenge: _STRENGTH.index(challenge.algorithm), default=None)


def _challenge(header: str) -> Challenge | None:
    scheme, _, rest = header.strip().partition(" ")
    named = {m[1].lower(): re.sub(r"\\(.)", r"\1", m[2]) if m[2] is not None else m[3] for m in _PARAMETER.finditer(rest)}
    realm = _printable(named.get("realm", ""))
    if scheme.lower() == "basic":
        return Challenge("basic", realm)
    algorithm = named.get("algorithm", "MD5").lower()
    nonce = _printable(named.get("nonce", ""))
    offered = [option.strip().lower() for option in named.get("qop", "").split(",") if option.strip()]
    if scheme.lower() != "digest" or algorithm not in _STRENGTH[1:] or not nonce or (offered and "auth" not in offered):
        return None
    opaque = _printable(named["opaque"]) if "opaque" in named else None
    return Challenge(algorithm, realm, nonce, opaque, bool(offered), named.get("stale", "").lower() == "true")


def _printable(text: str) -> str:
    """Without line ends, which would let a camera write our headers."""
    return "".join(char for char in text if char >= " " and char != "\x7f")


def _quoted(text: str) -> str:
    return _printable(text).replace("\\", "\\\\").replace('"', '\\"')


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
