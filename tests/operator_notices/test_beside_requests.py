"""The whole way in one process: what happens by its own verb reaches a real mail server, and holds up nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from databases import HeldClock
from family_factories import BROWSER, signed_in
from forged_rows import change, rows_of
from notice_factories import mail_server
from store_factories import revocation
from web_factories import door_of, made_app, write_files

from federation_bridge.app import start_background
from federation_bridge.audit import BlockPut, Entry, Event, RevocationsSettled, RulebookEmergency, VerifiersDisagreed
from federation_bridge.background import Background
from federation_bridge.model import Block, Ended, ProposedVersion, RequestOrigin, RevocationState
from federation_bridge.notices import Notices
from federation_bridge.operate.commands import commands
from federation_bridge.operate.opening import store_of
from federation_bridge.operator_notices.kinds import OF_ENTRY
from federation_bridge.rulebook.changes import RulesRefused
from federation_bridge.settings import load_settings
from federation_bridge.store.follow_ups import TELL
from federation_bridge.store.tables import SESSIONS
from federation_bridge.web.door import Door


def _entry(here: Door, event: Event) -> Entry:
    return Entry(here.clock(), RequestOrigin("r"), event)


def _forged(here: Door) -> None:
    signed_in(here.store, here.clock())
    (row,) = rows_of(here.store, SESSIONS)
    change(here.store, SESSIONS, row, mac="0" * 64)
    assert here.store.sessions.live(BROWSER, timedelta(days=1)) is None


def _not_ended(here: Door) -> None:
    found = revocation(here.clock())
    here.store.revocations.add([found])
    event = RevocationsSettled("r", "person", "1", "Reader", RevocationState.COULD_NOT, "", "", "no right")
    here.store.revocations.settle([found], _entry(here, event))


def _incident(here: Door) -> None:
    made = Block("", "incident", "corp/ada", "stolen laptops", here.clock(), ("corp/ada",))
    here.store.blocks.put(made, lambda _: [_entry(here, BlockPut.of(made, Ended()))])


HAPPEN: dict[str, Callable[[Door], object]] = {
    "row.forged": _forged,
    "aws_sessions.denied": _not_ended,
    "block.put": _incident,
    "rules.rejected": lambda here: Notices(here.audit, here.clock).tell(RulesRefused("line 5", "the last good ones")),
    "sign_in.verifiers_disagreed": lambda here: here.audit.record(_entry(here, VerifiersDisagreed("no reference"))),
    "rulebook.emergency": lambda here: here.store.rulebook_versions.put(
        ProposedVersion("text", "ada", "an outage", "command"),
        lambda number: [_entry(here, RulebookEmergency("ada", "an outage", number, "d", "it is marked"))],
    ),
}
"""What an entry comes from that is told, by its event."""
BY_THIS_PART = {"notice.due", "notices.given_up"}


def told_by_mail(port: int) -> dict[str, Any]:
    place = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "b@example.com", "to": ["o@example.com"]}
    return {"mail": {"ops": place}}


def test_every_event_that_is_told_is_brought_about_here() -> None:
    assert set(HAPPEN) | BY_THIS_PART == set(OF_ENTRY)


@pytest.mark.parametrize("event", HAPPEN)
def test_what_happens_by_its_own_verb_asks_for_a_notice(tmp_path: Path, clock: HeldClock, event: str) -> None:
    # A verb that records by a statement of its own would leave it out.
    app = made_app(tmp_path, clock, notices=told_by_mail(1))
    here = door_of(app)
    try:
        HAPPEN[event](here)
        numbers = {errand.subject for errand in here.store.errands.waiting(TELL)}
        assert {row.number for row in here.store.audit.entries(event=event)} <= {int(one) for one in numbers}
        assert numbers
    finally:
        here.store.close()


def test_a_notice_comes_within_seconds_from_a_process_that_serves(tmp_path: Path, clock: HeldClock) -> None:
    with mail_server() as server:
        app = made_app(tmp_path, clock, notices=told_by_mail(server.port))
        background = start_background(app)
        try:
            HAPPEN["rulebook.emergency"](door_of(app))
            assert server.came.wait(60)
        finally:
            background.stop()
            door_of(app).store.close()
    (mail,) = server.taken
    assert "ada put version 2 in force. Reason: an outage." in " ".join(mail.get_content().split())


def test_without_a_place_nothing_is_looked_for_and_nothing_sent(tmp_path: Path, clock: HeldClock) -> None:
    app = made_app(tmp_path, clock)
    background = start_background(app)
    try:
        assert background.each_second_apart == ()
        HAPPEN["rulebook.emergency"](door_of(app))
        assert door_of(app).store.errands.waiting(TELL) == ()
    finally:
        background.stop()
        door_of(app).store.close()


def test_a_place_that_never_answers_holds_up_neither_the_other_errands_nor_the_end(
    tmp_path: Path, clock: HeldClock
) -> None:
    app = made_app(tmp_path, clock)
    stuck, over, others = threading.Event(), threading.Event(), threading.Event()

    def never() -> None:
        stuck.set()
        over.wait(60)

    def other() -> None:
        if stuck.is_set():
            others.set()

    background = Background((), door_of(app).store)
    background.each_second_apart = (never,)
    background.errands = other
    background.start()
    try:
        assert others.wait(60)
    finally:
        background.stop()
        over.set()
        door_of(app).store.close()


def test_a_command_that_changes_something_asks_for_the_notice_too(tmp_path: Path) -> None:
    path = write_files(tmp_path)
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "notices": told_by_mail(1)}))

    def run(*words: str) -> Any:
        return CliRunner().invoke(commands, [*words, "--settings", str(path)])

    assert run("migrate").exit_code == 0
    begun = run("incident", "begin", "--reason", "stolen laptops", "--except", "corp/ada", "--unseen", "--emergency")
    assert begun.exit_code == 0, begun.output
    with store_of(load_settings(path)) as store:
        assert len(store.errands.waiting(TELL)) == 1
