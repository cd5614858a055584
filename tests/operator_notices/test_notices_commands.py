"""`federation-bridge notices` and `check`: an operator sees whether each place is told, before it matters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from databases import HeldClock
from documents.blocks import blocks
from notice_factories import SECRET, MailServer, Receiver, mail_server, receiver
from web_factories import write_files

from federation_bridge.audit import Entry, NoticesGivenUp, RulebookEmergency
from federation_bridge.model import RequestOrigin
from federation_bridge.operate.commands import commands
from federation_bridge.operate.opening import store_of
from federation_bridge.operator_notices.delivery import TELL_PLACE, TellPlaces
from federation_bridge.settings import load_settings
from federation_bridge.store.follow_ups import TELL
from federation_bridge.system_clock import utc_now

EMERGENCY = RulebookEmergency("ada", "an outage", 7, "digest", "it is marked")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as found:
        yield found


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def settings(tmp_path: Path, server: MailServer, hook: Receiver) -> Path:
    """The settings of a bridge that tells a mail server and a receiver on this machine."""
    path = write_files(tmp_path)
    (tmp_path / "hook.key").write_text(SECRET)
    (tmp_path / "hook.key").chmod(0o600)
    mail = {"host": "127.0.0.1", "port": server.port, "security": "none"}
    mail |= {"sender": "bridge@example.com", "to": ["ops@example.com"]}
    webhook = {"url": f"http://127.0.0.1:{hook.port}/hook", "secret": {"file": "hook.key"}}
    return changed(path, notices={"mail": {"ops": mail}, "webhook": {"tickets": webhook}})


def changed(path: Path, **sections: Any) -> Path:
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **sections}))
    return path


def run(*words: object) -> Result:
    return CliRunner().invoke(commands, [str(word) for word in words])


def test_a_try_reaches_every_place_and_says_what_each_answered(
    settings: Path, server: MailServer, hook: Receiver
) -> None:
    result = run("notices", "test", "--settings", settings)
    assert result.output.splitlines() == ["mail/ops: sent: taken", "webhook/tickets: sent: answered 200"]
    assert result.exit_code == 0
    assert "A try of notices" in server.taken[0]["Subject"]
    assert hook.bodies[0]["data"]["notices"][0]["kind"] == "notices.test"


def test_a_try_that_a_place_does_not_take_ends_with_1_and_the_others_are_tried_too(
    settings: Path, server: MailServer, hook: Receiver
) -> None:
    server.answer, hook.status = "451 later", 404
    result = run("notices", "test", "--settings", settings)
    assert result.output.splitlines() == [
        "mail/ops: retried: answered 451 later",
        "webhook/tickets: refused: answered 404",
    ]
    assert result.exit_code == 1


def test_a_try_of_one_place_leaves_the_others_alone(settings: Path, server: MailServer, hook: Receiver) -> None:
    assert run("notices", "test", "--settings", settings, "--place", "webhook/tickets").exit_code == 0
    assert (len(server.taken), len(hook.given)) == (0, 1)
    unknown = run("notices", "test", "--settings", settings, "--place", "mail/nobody")
    assert "there is no place 'mail/nobody'" in str(unknown.exception)


def test_a_try_with_no_place_or_a_secret_that_is_not_there_says_so(settings: Path) -> None:
    (settings.parent / "hook.key").unlink()
    result = run("notices", "test", "--settings", settings)
    assert "webhook/tickets: retried: notices.webhook.tickets.secret: the secret file" in result.output
    assert SECRET not in result.output
    none = run("notices", "test", "--settings", changed(settings, notices={}))
    assert "name no place" in str(none.exception)


def test_the_list_shows_what_waits_why_and_what_was_given_up(settings: Path) -> None:
    assert run("migrate", "--settings", settings).exit_code == 0
    made, now, at_once = load_settings(settings), HeldClock(), timedelta(0)
    with store_of(made) as store:
        given_up = NoticesGivenUp("webhook/tickets", "answered 404", 3, {"scim.quiet": 3})
        store.audit.record(Entry(now(), RequestOrigin("r"), EMERGENCY))
        TellPlaces(store, made)(store.errands.waiting(TELL)[0])
        errand = store.errands.take(TELL_PLACE, "node", at_once)
        assert errand is not None
        store.errands.postpone(errand, "node", at_once, "answered 503")
    told = run("notices", "list", "--settings", settings).output.splitlines()
    assert told[0] == "mail/ops: 1 wait; tried 1 times: answered 503"
    assert told[1].startswith("  2026-03-04 12:00 UTC  rulebook.emergency  ada put version 7 in force.")
    assert told[2] == "webhook/tickets: 1 wait"
    assert told[-1] == "1 are not given to the places yet: a node that runs does so within seconds"
    with store_of(made) as store:
        store.audit.record(Entry(utc_now(), RequestOrigin("r"), given_up))
    assert (
        run("notices", "list", "--settings", settings)
        .output.splitlines()[-1]
        .endswith("UTC  3 to webhook/tickets: answered 404")
    )


def found(settings: Path) -> list[dict[str, Any]]:
    result = run("check", "--settings", settings, "--json")
    return [one for one in json.loads(result.output) if one["kind"] == "notice"]


def test_check_names_each_place_and_sends_nothing(settings: Path, server: MailServer, hook: Receiver) -> None:
    assert [(one["severity"], one["sentence"]) for one in found(settings)] == [
        ("ok", f"notices to mail/ops: 1 by 127.0.0.1:{server.port} (none): every kind"),
        ("ok", "notices to webhook/tickets: a request, signed: every kind"),
    ]
    assert (server.taken, hook.given) == ([], [])


def test_check_tells_of_a_key_that_is_none_and_of_kinds_that_go_nowhere(settings: Path) -> None:
    (settings.parent / "hook.key").write_text("open sesame")
    document = yaml.safe_load(settings.read_text())
    document["notices"]["mail"]["ops"]["kinds"] = ["scim.quiet"]
    document["notices"]["webhook"]["tickets"]["kinds"] = ["row.forged"]
    settings.write_text(yaml.safe_dump(document))
    good, wrong, nowhere = found(settings)
    assert good["sentence"].endswith(": scim.quiet")
    assert (wrong["severity"], nowhere["severity"]) == ("wrong", "note")
    assert "24 to 64 bytes in base64" in wrong["sentence"]
    assert "sesame" not in wrong["sentence"]
    assert "rulebook.emergency" in nowhere["sentence"]
    assert "scim.quiet" not in nowhere["sentence"]


def test_the_commands_of_the_page_are_taken(settings: Path) -> None:
    assert run("migrate", "--settings", settings).exit_code == 0
    shown = blocks()["docs/notices.md console 1"].commands
    assert shown == ["federation-bridge notices test", "federation-bridge notices list"]
    for command in shown:
        assert run(*command.split()[1:], "--settings", settings).exit_code == 0
