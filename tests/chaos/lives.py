"""Lives of the real application that end at a chosen step: `python -m tests.chaos.lives FOLDER`.

Each line of the standard input is an `Order`; it is carried out by a forked child, whose exit status is answered. A
life is one sign-in and one grant through the WSGI face. Every commit has a step before and a step after it, and so
has the call to STS: a child that is told to die at step n does so as `kill -9` would have it, with nothing cleaned up.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import make_url

from federation_bridge.app import create_app
from federation_bridge.aws.sts import StsClients
from federation_bridge.sandbox.identity_provider.saml_message import SamlMessage, Signer, form_value, make_signer
from federation_bridge.settings import load_settings
from federation_bridge.web.door import EXTENSION, Door
from tests.benchmarks.bridge import ACCOUNT, IDP, ROLE, SESSION, BridgeFiles, Browser, make_place
from tests.benchmarks.processes import DoesNotWork

DIED = 9
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Order:
    """What a child is to do."""

    what: str
    """`begin`: a whole life in the driver itself, which makes the keys and all that later children inherit warm;
    `live`; `again`: post once more what this person's browser posted; `sweep`: eleven minutes later."""
    person: str = ""
    die_at: int = 0
    """The step at which it dies; 0: at none."""
    power_fails: bool = False
    """What the disk had not promised is gone, too."""


@dataclass
class Record:
    """What the browser knows, on the disk before anything can die."""

    file: Path

    def note(self, **more: Any) -> None:
        known = (json.loads(self.file.read_text()) if self.file.exists() else {}) | more
        self.file.write_text(json.dumps(known))


@dataclass
class WsgiBrowser(Browser):
    """A browser that asks the application in its own process."""

    app: Flask | None = None

    def ask(
        self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any, str]:
        assert self.app is not None
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.app.test_client(use_cookies=False).open(
            path, method=method, base_url=self.place.address, data=body, headers={**(headers or {}), "Cookie": cookies}
        )
        for cookie in answer.headers.getlist("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status_code, answer.headers, answer.get_data(as_text=True)


@dataclass
class Steps:
    """Counts the steps, and ends the process at the chosen one."""

    die_at: int
    record: Record
    disk: Path
    database: Path | None
    """The file of a SQLite database: what a power failure leaves of it is kept in `disk`."""
    count: int = 0

    def reach(self, name: str) -> None:
        self.count += 1
        if self.count == self.die_at:
            self.record.note(died_at=name)
            os._exit(DIED)

    def commit(self, really: Callable[[Any], None], connection: Any) -> None:
        self.reach("before a commit")
        really(connection)
        if self.database is not None and connection.execute("PRAGMA synchronous").fetchone()[0] >= _FULL:
            keep(self.database, self.disk)
        self.reach("after a commit")

    def alone(self, really: Callable[..., Any], *asked: Any, **more: Any) -> Any:
        """One statement that is a transaction by itself: PostgreSQL's; on SQLite it comes by `commit`."""
        self.reach("before a commit")
        answer = really(*asked, **more)
        self.reach("after a commit")
        return answer

    def call(self, really: Callable[..., Any], clients: StsClients, *asked: Any) -> Any:
        self.reach("before STS")
        answer = really(clients, *asked)
        self.reach("after STS")
        return answer

    def watch(self, door: Door) -> None:
        dialect = door.store._database._engine.dialect
        dialect.do_commit = partial(self.commit, dialect.do_commit)  # type: ignore[method-assign]
        if dialect.name == "postgresql":
            database = door.store._database
            database.alone = partial(self.alone, database.alone)  # type: ignore[method-assign]
        redeem = StsClients.redeem
        StsClients.redeem = lambda clients, *asked: self.call(redeem, clients, *asked)  # type: ignore[method-assign]


_FULL = 2


def keep(database: Path, disk: Path) -> None:
    """Takes down what the disk has promised: after a durable commit that is all that the files hold."""
    for end in ("", "-wal"):
        file = database.with_name(database.name + end)
        kept = disk / f"kept{end}"
        if file.exists():
            shutil.copyfile(file, kept)
        else:
            kept.unlink(missing_ok=True)


def bring_back(database: Path, disk: Path) -> None:
    """The files as a power failure leaves them."""
    for end in ("", "-wal", "-shm"):
        file = database.with_name(database.name + end)
        kept = disk / f"kept{end}"
        if kept.exists():
            shutil.copyfile(kept, file)
        else:
            file.unlink(missing_ok=True)


@dataclass(frozen=True)
class World:
    """The files of one bridge, and the identity provider's key."""

    folder: Path
    place: BridgeFiles
    signer: Signer
    database: Path | None
    now: datetime

    def record(self, person: str) -> Record:
        return Record(self.folder / f"{person}.json")

    def app(self, later: timedelta = timedelta(0)) -> tuple[Flask, Door]:
        app = create_app(load_settings(self.place.settings), clock=lambda: self.now + later)
        return app, app.extensions[EXTENSION]

    def carry_out(self, order: Order) -> None:
        match order.what:
            case "live":
                self._live(order)
            case "again":
                self._again(order)
            case "sweep":
                self.app(timedelta(minutes=11))[1].store.sweep()

    def begin(self, person: str) -> None:
        app, door = self.app()
        self._sign_in_and_be_granted(app, person)
        door.store.close()

    def _live(self, order: Order) -> None:
        record = self.record(order.person)
        record.note()
        app, door = self.app()
        if self.database is not None:
            keep(self.database, self.folder)
        Steps(order.die_at, record, self.folder, self.database).watch(door)
        self._sign_in_and_be_granted(app, order.person)

    def _sign_in_and_be_granted(self, app: Flask, person: str) -> None:
        record = self.record(person)
        browser = WsgiBrowser(self.place, app=app)
        request_id, relay_state = browser.leave()
        message = message_of(self.place, person, request_id, self.now)
        form = urlencode({"SAMLResponse": form_value(message, self.signer), "RelayState": relay_state})
        record.note(cookies=dict(browser.cookies), form=form, message_id=message.assertion_id)
        browser.arrive(form)
        record.note(admitted=True)
        record.note(key=key_for(browser))

    def _again(self, order: Order) -> None:
        record = Record(self.folder / f"{order.person}.again.json")
        before = json.loads(self.record(order.person).file.read_text())
        record.note(admitted=False)
        browser = WsgiBrowser(self.place, before["cookies"], app=self.app()[0])
        browser.cookies.pop(SESSION, None)
        status = browser.ask("POST", "/sign-in/company/saml", before["form"], {"Content-Type": _FORM})[0]
        record.note(status=status, admitted=SESSION in browser.cookies)


def message_of(place: BridgeFiles, person: str, request_id: str, now: datetime) -> SamlMessage:
    """What the identity provider says of a person who may have the role."""
    email = f"{person}@example.com"
    return SamlMessage(
        issuer=IDP,
        audience=place.entity_id,
        recipient=place.acs,
        in_response_to=request_id,
        name_id=email,
        issued_at=now,
        attributes={"id": (person,), "email": (email,), "name": (person.title(),), "groups": ("group-7",)},
    )


def key_for(browser: Browser) -> str:
    """The ID of the credentials that the bridge gives to who is signed in; DoesNotWork where it gives none."""
    headers = {"X-CSRF-Token": browser.api_token(), "Content-Type": "application/json"}
    status, _, text = browser.ask("POST", f"/api/v1/roles/{ACCOUNT}/{ROLE}/credentials", "{}", headers)
    if status != 200:
        raise DoesNotWork(f"a grant answered {status}: {text[:500]}")
    return str(json.loads(text)["access_key_id"])


def private_file(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


def world_at(folder: Path) -> World:
    """The bridge whose database and STS `told.json` names."""
    told = json.loads((folder / "told.json").read_text())
    signer = make_signer()
    place = make_place(folder / "bridge", signer, told["sts_port"], None)
    private_file(place.folder / "sealing", base64.b64encode(secrets.token_bytes(32)).decode())
    settings = json.loads(place.settings.read_text()) | {
        "database": told["url"],
        "keys": {"sealing_key": {"file": "sealing"}},
        "rulebook": {"files_on_many_nodes": True},
    }
    if told["password"]:
        private_file(place.folder / "password", told["password"])
        settings["database_password"] = {"file": "password"}
    place.settings.write_text(json.dumps(settings))
    url = make_url(told["url"])
    database = Path(str(url.database)) if url.get_backend_name() == "sqlite" else None
    return World(folder, place, signer, database, datetime.fromisoformat(told["now"]))


def _carried_out(world: World, order: Order) -> int:
    if order.what == "begin":
        world.begin(order.person)
        return 0
    if (pid := os.fork()) != 0:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        world.carry_out(order)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main(folder: Path) -> None:
    # The log of the application goes to the standard output, the answers to where that led before.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    world = world_at(folder)
    for line in sys.stdin:
        order = Order(**json.loads(line))
        status = _carried_out(world, order)
        if order.power_fails and world.database is not None:
            bring_back(world.database, folder)
        answers.write(f"{status}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
