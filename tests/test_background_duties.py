"""Every duty that runs beside the requests says how many nodes do it at once: one, by a lease, or all, and why not."""

from __future__ import annotations

import ast
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from databases import HeldClock, OwnDatabase
from package_modules import nodes
from service_factories import IDP, until
from web_factories import door_of, made_app, settings_of_tests

import federation_bridge
from federation_bridge.administration.lease import Lease
from federation_bridge.app import start_background
from federation_bridge.background import Background
from federation_bridge.connectors.refreshing import Refresher
from federation_bridge.errands import Errands
from federation_bridge.sandbox.identity_provider.saml_message import make_signer, metadata_xml
from federation_bridge.store import open_store

PACKAGE = Path(federation_bridge.__file__).parent

LEASED = "leased: of all nodes one does it at a time"
DUTIES = {
    "AuditSealing.seal": (LEASED, "two that believed to have it: the database takes one seal of each number"),
    "AccountChecks.look": (LEASED, "only reads in AWS; the last result is kept"),
    "UnseenSessions.look": (LEASED, "about one session one node asks, by a mark of its own"),
    "StandingNotices.look": (LEASED, "a mark says what was told; what only this machine sees is told by each"),
    "errand revoke": (LEASED, "what AWS is told holds whole: told twice, it holds once"),
    "errand tell": (LEASED, "which places wait is written down under the notice's number, once"),
    "errand tell place": (LEASED, "a message has a name: who gets it twice can see that"),
    "AuditArchiving.archive": (
        "all",
        "two write the same file, and the database notes the first of them and takes its rows",
    ),
    "Store.sweep": ("all", "each takes rows that no other one holds; an outcome is marked once by its key"),
    "Upkeep.tell": ("all", "a mark says what was told: of all that try, one changes it"),
    "get_ready": ("all", "makes what this process needs; a key that is made twice is kept once"),
    "NodeStanding.watch": ("all", "tells of this process, and follows the version in force"),
    "SameTables.look": ("all", "only reads: what this process knows of its database"),
    "SamlConnector.watch": ("all", "looks at a file of this machine"),
    "OidcConnector.watch": ("all", "takes up what another node has fetched"),
    "Refresher": ("all", "asks the provider; what was found is kept by who changes the mark first"),
}
"""What is called again and again → how many nodes do it, and why it does no harm where two do it at the same time."""

THREADS = {
    "background.py": "the duties above",
    "connectors/attempts.py": "one refresh that a request began, of this process",
    "connectors/refreshing.py": "`Refresher` above",
    "observers/queue.py": "what this process has to write: its own log and lines",
    "outgoing/connections.py": "ends one call of ours that takes too long",
    "operate/serving/pools.py": "the requests",
    "operate/serving/worker.py": "begin and end of this process",
}
"""Where a process of the service begins threads, and for what."""


def _acts_in(found: object) -> Iterator[str]:
    """The names of the duties in an attribute of `Background`."""
    match found:
        case tuple() | list():
            for one in found:
                yield from _acts_in(one)
        case Refresher():
            yield "Refresher"
        case threading.Thread() | threading.Event() | timedelta():
            return
        case partial():
            yield from _acts_in(found.func)
        case _ if isinstance(errands := getattr(found, "__self__", None), Errands):
            yield from (f"errand {kind}" for kind in errands._acts)
        case _ if callable(found):
            yield str(found.__qualname__)  # type: ignore[attr-defined]


@pytest.fixture
def duties(tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The duties of a bridge whose settings leave none out."""
    monkeypatch.setattr(Background, "start", lambda *_: None)
    (tmp_path / "idp.xml").write_bytes(metadata_xml(IDP, "https://idp.example.test/sso", [make_signer()]))
    saml = {"title": "Company", "protocol": "saml", "metadata_file": "idp.xml"}
    app = made_app(
        tmp_path,
        clock,
        audit={"also_to": "nowhere", "keep": "400d"},
        aws={"check_accounts": True},
        connections={**settings_of_tests()["connections"], "company": saml},
        notices={"webhook": {"hooks": {"url": "https://hooks.example.com/", "secret": {"environment": "X"}}}},
    )
    yield set(_acts_in(list(vars(start_background(app)).values())))
    door_of(app).store.close()


def test_every_duty_says_how_many_nodes_do_it_at_once(duties: set[str]) -> None:
    assert duties == DUTIES.keys()
    assert all(how in (LEASED, "all") and why for how, why in DUTIES.values())


def test_what_is_leased_is_what_takes_a_lease() -> None:
    """Errands lease each row, in the database."""
    taking = {
        f"{owner.name}.{verb.name}"
        for path in PACKAGE.rglob("*.py")
        for owner in nodes(path)
        if isinstance(owner, ast.ClassDef)
        for verb in owner.body
        if isinstance(verb, ast.FunctionDef) and "Lease(" in ast.unparse(verb)
    }
    leased = {name for name, (how, _) in DUTIES.items() if how == LEASED and not name.startswith("errand ")}
    assert taking == leased


def test_no_thread_of_the_service_begins_where_nobody_looks() -> None:
    begun = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] not in ("cli", "sandbox")
        for call in nodes(path)
        if isinstance(call, ast.Call)
        if ast.unparse(call.func).rpartition(".")[2] in ("Thread", "Timer", "ThreadPoolExecutor", "Process")
    }
    assert begun == THREADS.keys()


HOLDER = """\
import sys, time
from datetime import UTC, datetime, timedelta
from federation_bridge.administration.lease import Lease
from federation_bridge.store import open_store

clock = lambda: datetime.now(UTC)
store = open_store(sys.argv[1], clock=clock, integrity_key=b"k" * 32, password=sys.argv[2] or None)
with Lease(store.service_marks, clock, "a duty", timedelta(seconds=float(sys.argv[3]))).held() as is_ours:
    print(is_ours, flush=True)
    time.sleep(600)
"""


def test_a_lease_whose_holder_is_killed_is_another_nodes_when_it_ends(own_database: OwnDatabase) -> None:
    span = timedelta(seconds=1)

    def now() -> datetime:
        return datetime.now(UTC)

    command = [sys.executable, "-c", HOLDER, own_database.url, own_database.password or "", str(span.total_seconds())]
    store = open_store(own_database.url, clock=now, integrity_key=b"k" * 32, password=own_database.password)
    lease = Lease(store.service_marks, now, "a duty", span)
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PACKAGE.parent)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        until(lambda: store.service_marks.value("a duty") is not None, "nobody holds it")
        held_until = datetime.fromisoformat(str(store.service_marks.value("a duty")))
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    assert held_until - now() <= span

    def taken() -> bool:
        with lease.held() as is_ours:
            return is_ours

    until(taken, "nobody ever takes over")
    assert held_until <= now() <= held_until + timedelta(seconds=60)
    store.close()
