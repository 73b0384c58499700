"""An identity provider on loopback with real signing keys, which can be told to misbehave; the strict one is in test_oidc_certified."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwk, jwt

CLIENT, SECRET = "sewu-city", "s3cr3t of/the:client"
KEYS = {kid: jwk.generate_key("EC", "P-256", {"kid": kid, "use": "sig", "alg": "ES256"}) for kid in ("first", "second", "unpublished")}


class Issuer:
    """Answers metadata, keys and the token endpoint.

    claims: put over those of the next ID tokens (None leaves one out). answers: (status, body) instead of the right ones, by path.
    """

    def __init__(self, now_s: float) -> None:
        self.now_s, self.published, self.signing = now_s, ["first"], "first"
        self.claims: dict[str, Any] = {}
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.token: str | None = None
        self.counted: dict[str, int] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def approve(self, authorization_url: str) -> str:
        """What the browser is sent back with once the person agreed: the query of the callback."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(authorization_url).query).items()}
        assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256" and asked["client_id"] == CLIENT
        code = f"c0de-{len(self.codes)}"
        self.codes[code] = asked
        return urlencode({"code": code, "state": asked["state"], "session_state": "ignored"})

    def signed(self, nonce: str) -> str:
        """An ID token."""
        claims: dict[str, Any] = {
            "iss": self.url, "sub": "subject-1", "aud": CLIENT, "iat": int(self.now_s), "exp": int(self.now_s) + 300, "nonce": nonce,
        }  # fmt: skip
        claims = {name: value for name, value in (claims | self.claims).items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": self.signing}, claims, KEYS[self.signing])

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, bytes]:
        self.counted[path] = self.counted.get(path, 0) + 1
        if path in self.answers:
            return self.answers[path]
        if path == "/.well-known/openid-configuration":
            described = {"issuer": self.url, "authorization_endpoint": f"{self.url}/auth", "token_endpoint": f"{self.url}/token"}
            return 200, json.dumps(described | {"jwks_uri": f"{self.url}/jwks"}).encode()
        if path == "/jwks":
            odd = [{"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}, {"kty": "XYZ"}, {"kty": "RSA", "kid": "broken", "n": "!"}]
            return 200, json.dumps({"keys": [*odd, *(KEYS[kid].as_dict(private=False) for kid in self.published)]}).encode()
        return self._token(form, authorization) if path == "/token" else (404, b"")

    def _token(self, form: dict[str, str], authorization: str) -> tuple[int, bytes]:
        right = base64.b64encode(b"sewu-city:s3cr3t+of%2Fthe%3Aclient").decode()
        asked = self.codes.get(form.get("code", ""))  # may be used again: that a code works once is for the service to see to, too
        if authorization != f"Basic {right}" or asked is None or form["redirect_uri"] != asked["redirect_uri"]:
            return 400, b'{"error": "invalid_grant"}'
        if create_s256_code_challenge(form["code_verifier"]) != asked["code_challenge"]:
            return 400, b'{"error": "invalid_grant"}'
        token = self.signed(asked["nonce"]) if self.token is None else self.token
        return 200, json.dumps({"access_token": "opaque", "token_type": "Bearer", "id_token": token}).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = issuer.answer(
                    self.path,
                    {k: v[0] for k, v in parse_qs(self.rfile.read(int(self.headers.get("content-length", 0))).decode()).items()},
                    self.headers.get("authorization", ""),
                )
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 the base class names it so

            def log_message(self, format: str, *args: Any) -> None:
                return

        return Handler


@contextmanager
def issuing(now_s: float) -> Iterator[Issuer]:
    """A provider, until the end of the block."""
    issuer = Issuer(now_s)
    thread = threading.Thread(target=issuer.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        issuer.server.shutdown()
        issuer.server.server_close()
        thread.join(5)
