"""The container credentials endpoint on this computer, which every AWS SDK renews from by itself.

For `serve` and `exec`: what the tool's environment holds is the endpoint's token, worthless once the endpoint is gone.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from federation_bridge.cli.failures import CommandFailed, LocalFailure
from federation_bridge.cli.i18n import say
from federation_bridge.model import AwsCredentials

PATH = "/credentials"
_COMPETITORS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_CREDENTIAL_FILE",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
)
"""What SDKs would take instead of what they are given here."""


def without_competitors(environ: Mapping[str, str], region: str) -> dict[str, str]:
    """The environment without other sources of credentials; `region` is where AWS is asked if it names none."""
    regions = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region} if region else {}
    return regions | {name: value for name, value in environ.items() if name not in _COMPETITORS}


class ContainerEndpoint:
    """Serves the credentials that `source` gives, on 127.0.0.1, to who sends the token and names this very address."""

    def __init__(self, source: Callable[[], AwsCredentials], port: int = 0) -> None:
        self.token = secrets.token_urlsafe(32)
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(source, self.token))
        except (OSError, OverflowError) as refused:
            reason = str(refused)
            raise LocalFailure(say("Port {port} cannot be opened: {reason}", port=port, reason=reason)) from None
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{PATH}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def variables(self) -> dict[str, str]:
        """What the tool's environment must hold (AWS SDKs and Tools guide: container credential provider)."""
        return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": self.url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": self.token}


def _handler(source: Callable[[], AwsCredentials], token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "fedbridge", ""

        def do_GET(self) -> None:
            here = f"127.0.0.1:{self.server.server_address[1]}"  # type: ignore[index]
            given = self.headers.get("Authorization", "").encode("utf-8", "replace")
            # A page that a browser loaded may name another host that points here (DNS rebinding).
            if self.headers.get("Host") != here or not hmac.compare_digest(given, token.encode()):
                self._send(403, {"code": "AccessDenied", "message": "wrong token"})
            elif self.path != PATH:
                self._send(404, {"code": "NotFound", "message": "nothing here"})
            else:
                self._send(*_answer(source))

        def _send(self, status: int, body: Mapping[str, object]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the library's name
            """Nothing: the person's terminal belongs to their command."""

    return Handler


def _answer(source: Callable[[], AwsCredentials]) -> tuple[int, Mapping[str, object]]:
    try:
        found = source()
    except CommandFailed as failure:
        return 503, {"code": "CredentialsUnavailable", "message": failure.detail}
    return 200, {
        "AccessKeyId": found.access_key_id,
        "SecretAccessKey": found.secret_access_key,
        "Token": found.session_token,
        "Expiration": found.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "AccountId": found.account_id,
    }
