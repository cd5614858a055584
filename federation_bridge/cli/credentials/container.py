"""The container credentials endpoint on this computer, which every AWS SDK renews from by itself.

For `serve` and `exec`: what the tool's environment holds is the endpoint's token, worthless once the endpoint is gone.
"""

from __future__ import annotations

import hmac
import json
import secrets
import sys
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from federation_bridge.cli.failures import CommandFailed, LocalFailure
from federation_bridge.cli.i18n import say
from federation_bridge.model import AwsCredentials

PATH = "/credentials"
REGION_NAMES = ("AWS_REGION", "AWS_DEFAULT_REGION")
COMPETITORS = (
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
ASSUMED = (
    "FEDBRIDGE_ASSUMED_ROLE",
    "FEDBRIDGE_ASSUMED_ACCOUNT",
    "FEDBRIDGE_ASSUMED_EXPIRES",
    "FEDBRIDGE_ASSUMED_BEFORE",
)
"""What `assume` tells a shell of its role: for the prompt, and the way back. No other role's command has it."""


def without_competitors(environ: Mapping[str, str], usual: str, asked: str = "") -> dict[str, str]:
    """The environment without other sources of credentials, and with a region: as asked for, as it was set, or `usual`.

    Some SDKs read AWS_REGION, botocore AWS_DEFAULT_REGION: both say the same, unless the environment had set both.
    """
    kept = {name: value for name, value in environ.items() if name not in {*COMPETITORS, *ASSUMED}}
    region = asked or next((kept[name] for name in REGION_NAMES if kept.get(name)), usual)
    regions = dict.fromkeys(REGION_NAMES, region) if region else {}
    return kept | regions if asked else regions | kept


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Nothing for a client that hung up; what nobody foresaw is told as a thread's end is (`last_net`)."""
        failure = sys.exc_info()[1]
        if failure is not None and not isinstance(failure, OSError):
            threading.excepthook(threading.ExceptHookArgs((type(failure), failure, failure.__traceback__, None)))


class ContainerEndpoint:
    """Serves the credentials that `source` gives, on 127.0.0.1, to who sends the token and names this very address."""

    def __init__(self, source: Callable[[], AwsCredentials], port: int = 0) -> None:
        self.token = secrets.token_urlsafe(32)
        try:
            self._server = _Server(("127.0.0.1", port), _handler(source, self.token))
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


_NO_TOKEN = "no token: set AWS_CONTAINER_AUTHORIZATION_TOKEN as fedbridge printed it"  # noqa: S105 - a sentence
_WRONG_TOKEN = "wrong token: this is not the one that fedbridge printed with this address"  # noqa: S105 - a sentence


def _handler(source: Callable[[], AwsCredentials], token: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "fedbridge", ""

        def do_GET(self) -> None:
            here = f"127.0.0.1:{self.server.server_address[1]}"  # type: ignore[index] # an address of TCP is a pair
            given = self.headers.get("Authorization", "").encode("utf-8", "replace")
            # A page that a browser loaded may name another host that points here (DNS rebinding).
            if self.headers.get("Host") != here:
                self._send(403, {"code": "AccessDenied", "message": f"wrong host: ask {here}"})
            elif not given:
                self._send(401, {"code": "TokenMissing", "message": _NO_TOKEN})
            elif not hmac.compare_digest(given, token.encode()):
                self._send(403, {"code": "AccessDenied", "message": _WRONG_TOKEN})
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
