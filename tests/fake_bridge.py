"""A bridge on loopback that answers as a test says: for what the real one never does, and when it does not answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from threaded_server import serving

from federation_bridge.cli.folders import folder_name
from federation_bridge.cli.session.dpop import DpopKey

METADATA = "/.well-known/oauth-authorization-server"
ROLE = "111122223333/Developer"
REFUSED = {"error": "invalid_grant", "error_description": "no"}


@dataclass(slots=True)
class Reply:
    """An answer; `cut` sends half of its body and hangs up, and 0 no answer at all."""

    status: int = 200
    body: Any = None
    cut: bool = False


@dataclass(slots=True)
class Asked:
    """A request: its path and the fields of its form."""

    path: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class FakeBridge:
    """Answers of the paths, and what was asked. `ahead` is how far its clock is ahead of the real one."""

    address: str = ""
    ahead: timedelta = timedelta()
    asked: list[Asked] = field(default_factory=list)
    answers: dict[str, Callable[[Asked], Reply] | Reply] = field(default_factory=dict)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def paths(self) -> list[str]:
        return [one.path for one in self.asked]

    def used(self) -> list[str]:
        """The refresh tokens that were used, in order."""
        return [one.fields["refresh_token"] for one in self.asked if "refresh_token" in one.fields]

    def revoked(self) -> list[str]:
        return [one.fields["token"] for one in self.asked if one.path == "/oauth/revoke"]

    def metadata(self) -> Reply:
        names = {
            "authorization": "authorize",
            "token": "token",
            "device_authorization": "device",
            "revocation": "revoke",
        }
        document = {f"{name}_endpoint": f"{self.address}/oauth/{path}" for name, path in names.items()}
        return Reply(body={"issuer": self.address, **document})

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        found = self.answers.get(asked.path, self.metadata() if asked.path == METADATA else Reply(404, {}))
        return found if isinstance(found, Reply) else found(asked)

    @contextmanager
    def held(self, path: str) -> Iterator[None]:
        """Whoever asks for this path is answered at the end of the block."""
        answer, free = self.answers[path], threading.Event()

        def wait(asked: Asked) -> Reply:
            assert free.wait(60)
            return answer if isinstance(answer, Reply) else answer(asked)

        self.answers[path] = wait
        try:
            yield
        finally:
            free.set()

    def credentials(self, life: timedelta = timedelta(hours=1), **changed: object) -> Reply:
        account, _, role = ROLE.partition("/")
        names = {"access_key_id": "ASIAEXAMPLE", "secret_access_key": "secret", "session_token": "token"}
        about = {"account": account, "role": role, "region": "eu-central-1"}
        arn = f"arn:aws:sts::{account}:assumed-role/{role}/ada"
        ends = (self.now() + life).isoformat()
        return Reply(body={**names, **about, "assumed_role_arn": arn, "expires_at": ends, **changed})


def tokens(number: int) -> Reply:
    """The pair of this number."""
    body = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "expires_in": 900}
    return Reply(body={**body, "token_type": "DPoP"})


def put_session(home: Path, bridge: FakeBridge, *, ends_at: float = 0) -> Path:
    """Leaves a session as a login does, its access token over unless `ends_at` says otherwise; the folder."""
    root = home / ".local/state/fedbridge"
    folder = root / folder_name(bridge.address)
    folder.mkdir(mode=0o700, parents=True)
    session = {"address": bridge.address, "access_token": "access-0", "access_ends_at": ends_at}
    session |= {"refresh_token": "refresh-0", "key": DpopKey.fresh().text()}
    written = {folder / "session.json": json.dumps(session), folder / "address": bridge.address}
    for path, text in {**written, root / "current": folder.name}.items():
        path.write_text(text)
        path.chmod(0o600)
    return folder


@contextmanager
def fake_bridge() -> Iterator[FakeBridge]:
    """A running one; stopped at the end."""
    bridge = FakeBridge()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(bridge))
    server.daemon_threads = True
    bridge.address = f"http://127.0.0.1:{server.server_address[1]}"
    with serving(server):
        yield bridge


def _handler(bridge: FakeBridge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.respond(Asked(self.path.partition("?")[0]))

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            is_form = self.headers.get_content_type() == "application/x-www-form-urlencoded"
            fields = dict(parse_qsl(text)) if is_form else {k: str(v) for k, v in json.loads(text or "{}").items()}
            self.respond(Asked(self.path, fields))

        def respond(self, asked: Asked) -> None:
            reply = bridge.reply(asked)
            self.close_connection = True
            if reply.status == 0:
                return
            data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response_only(reply.status)
            self.send_header("Date", format_datetime(bridge.now(), usegmt=True))
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if reply.cut else data)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
