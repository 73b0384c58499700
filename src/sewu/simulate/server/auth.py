"""Basic and Digest authentication as cameras ask for it (RFC 7617, RFC 7616)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sewu.simulate.server.plan import ServedCamera

NONCE_LIFE_S = 300.0
REALM = "Sewu simulated camera"

_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass; if not, whether its password was right but its nonce too old."""

    passed: bool
    stale: bool = False


@dataclass(slots=True)
class Guard:
    """Asks for passwords and checks them. Nonces carry their own age, so nothing is remembered per client."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def challenges(self, camera: ServedCamera, now_s: float, stale: bool = False) -> list[str]:
        """Values for `WWW-Authenticate`, the weakest first: some players read only the last or only what they know."""
        nonce = self._nonce(now_s)
        tail = ', stale="true"' if stale else ""
        values = []
        if camera.auth in ("basic", "any"):
            values.append(f'Basic realm="{REALM}"')
        if camera.auth in ("digest", "any"):
            values.append(f'Digest realm="{REALM}", nonce="{nonce}"{tail}')
        if camera.auth == "digest-sha256":
            values.append(f'Digest realm="{REALM}", nonce="{nonce}", algorithm=SHA-256, qop="auth"{tail}')
        return values

    def check(self, camera: ServedCamera, authorization: str | None, method: str, uri: str, now_s: float) -> Verdict:
        """Judge an `Authorization` header for one request."""
        if camera.is_open:
            return Verdict(True)
        scheme, _, rest = (authorization or "").partition(" ")
        if scheme.lower() == "basic" and camera.auth in ("basic", "any"):
            return Verdict(_basic(camera, rest))
        if scheme.lower() == "digest" and camera.auth != "basic":
            return self._digest(camera, parameters(rest), method, uri, now_s)
        return Verdict(False)

    def _nonce(self, now_s: float) -> str:
        issued = f"{int(now_s):x}"
        return f"{issued}.{hmac.new(self.key, issued.encode(), hashlib.sha256).hexdigest()[:24]}"

    def _digest(self, camera: ServedCamera, given: dict[str, str], method: str, uri: str, now_s: float) -> Verdict:
        algorithm = given.get("algorithm", "MD5").upper()
        wanted = "SHA-256" if camera.auth == "digest-sha256" else "MD5"
        if algorithm != wanted or given.get("realm") != REALM or given.get("username") != camera.user:
            return Verdict(False)
        if not _covers(given.get("uri", ""), uri):
            return Verdict(False)
        issued, _, _ = given.get("nonce", "").partition(".")
        if not re.fullmatch(r"[0-9a-f]{1,12}", issued) or not hmac.compare_digest(self._nonce(int(issued, 16)), given["nonce"]):
            return Verdict(False)
        answer = digest_response(given, camera.password or "", method, algorithm)
        if not hmac.compare_digest(answer.encode(), given.get("response", "").lower().encode("utf-8", "replace")):
            return Verdict(False)
        fresh = now_s - int(issued, 16) <= NONCE_LIFE_S
        return Verdict(fresh, stale=not fresh)


def digest_response(given: dict[str, str], password: str, method: str, algorithm: str = "MD5") -> str:
    """`response` of RFC 7616 section 3.4.1, or of RFC 2069 when no qop is named."""

    def hashed(text: str) -> str:
        return _HASHES[algorithm](text.encode("utf-8")).hexdigest()

    secret = hashed(f"{given.get('username', '')}:{given.get('realm', '')}:{password}")
    request = hashed(f"{method}:{given.get('uri', '')}")
    middle = given.get("nonce", "")
    if "qop" in given:
        middle += f":{given.get('nc', '')}:{given.get('cnonce', '')}:{given['qop']}"
    return hashed(f"{secret}:{middle}:{request}")


def parameters(text: str) -> dict[str, str]:
    """The `name=value` pairs of a Digest header, names in lower case."""
    return {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted or not plain else plain for name, quoted, plain in _PARAMETER.findall(text)
    }


def _basic(camera: ServedCamera, encoded: str) -> bool:
    try:
        given = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, f"{camera.user}:{camera.password}".encode())


def _covers(signed_uri: str, uri: str) -> bool:
    """Players sign the request's address or only that of the stream; an answer for another camera is no good."""
    try:
        signed, asked = urlsplit(signed_uri).path.rstrip("/"), urlsplit(uri).path.rstrip("/")
    except ValueError:
        return False
    return bool(signed) and (asked == signed or asked.startswith(signed + "/"))
