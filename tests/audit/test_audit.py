"""What the log shows of an entry, where it goes, and that its documentation is whole."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from store_factories import entry

from federation_bridge.audit import (
    EVENTS,
    Event,
    GrantMade,
    Recorded,
    events,
    json_line,
    printable,
)
from federation_bridge.model import Account, Grant, Role

NOW = datetime(2026, 3, 4, 12, 0, 0, 5000, tzinfo=UTC)
DOCUMENT = (Path(__file__).parents[2] / "docs" / "audit.md").read_text(encoding="utf-8")


def grant() -> Grant:
    arn = "arn:aws:iam::111122223333:saml-provider/bridge"
    account = Account("111122223333", "Test", "aws", arn, "eu-west-1", {"reader": Role("reader")})
    return Grant(
        id="_grant",
        person="corp/alice",
        account=account,
        role="reader",
        duration=timedelta(hours=1),
        decided_at=NOW,
        session_name="alice",
        source_identity="corp-alice",
        tags={"team": "blue"},
        transitive_tags=(),
        policy_arns=("arn:aws:iam::aws:policy/ReadOnlyAccess",),
        policy=None,
        rule="readers",
        rules_version="v1",
        because=("is in group staff",),
    )


def test_a_line_tells_who_what_when_and_the_details() -> None:
    assert json.loads(json_line(entry(NOW, GrantMade.of(grant())))) == {
        "at": "2026-03-04T12:00:00.005Z",
        "event": "grant.made",
        "person": "corp/alice",
        "connection": "corp",
        "reference": "ref-1",
        "address": "192.0.2.7",
        "user_agent": "Browser/1",
        "number": None,
        "details": {
            "grant_id": "_grant",
            "account": "111122223333",
            "role": "reader",
            "duration": 3600,
            "session_name": "alice",
            "source_identity": "corp-alice",
            "tags": {"team": "blue"},
            "rule": "readers",
            "rules_version": "v1",
            "because": ["is in group staff"],
            "reason": "",
            "policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
            "policy": "",
            "statement_id": "_grant",
            "cap": "",
            "for_agent": False,
        },
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Zoë 日本 👩", "Zoë 日本 👩"),
        ("a\r\nb\tc", r"a\u000d\u000ab\u0009c"),
        ("\x1b[31mred\x07", r"\u001b[31mred\u0007"),
        ("a\u2028b\u2029c\u0085d", r"a\u2028b\u2029c\u0085d"),
        ("admin\u202enimda", r"admin\u202enimda"),
        ("a\u200bb\ufeff\u00a0", r"a\u200bb\ufeff\u00a0"),
        ("\x00\ud800", r"\u0000\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("CORP\\alice", "CORP\\alice"),
        ("CORP\\ursula", r"CORP\u005cursula"),
        (r"fake \u000a", r"fake \u005cu000a"),
    ],
)
def test_what_a_terminal_might_obey_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
    line = json_line(entry(NOW, person=text))
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["person"] == shown


def test_a_long_text_is_cut_and_two_long_texts_stay_apart() -> None:
    one, other = printable("x" * 5_000 + "1"), printable("x" * 5_000 + "2")
    assert len(one) < 1_100
    assert one != other
    assert "5001 characters" in one


def test_a_text_as_long_as_is_kept_stays_whole() -> None:
    assert printable("x" * 1024) == "x" * 1024


def test_a_long_list_is_cut_and_says_so() -> None:
    made = GrantMade.of(grant())
    event = type(made)(**{f.name: getattr(made, f.name) for f in fields(made)} | {"because": ("why",) * 100})
    because = json.loads(json_line(entry(NOW, event)))["details"]["because"]
    assert because == ["why"] * 64 + ["... (100 in all)"]


def _event_classes() -> list[type[Event]]:
    modules = [import_module(f"{events.__name__}.{found.name}") for found in iter_modules(events.__path__)]
    return [
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and is_dataclass(kind) and issubclass(kind, Event) and kind is not Event
    ]


def test_every_kind_of_event_stands_in_the_table_under_a_name_of_its_own() -> None:
    assert sorted(kind.name for kind in _event_classes()) == sorted(EVENTS)


@pytest.mark.parametrize("kind", EVENTS.values(), ids=lambda kind: kind.name)
def test_every_event_and_each_of_its_fields_is_documented(kind: type[Event]) -> None:
    (row,) = re.findall(rf"^\| `{re.escape(kind.name)}` \|.*$", DOCUMENT, re.MULTILINE)
    assert {field.name for field in fields(kind)} == set(re.findall(r"`([a-z0-9_]+)`", row.split("|")[3]))


def test_the_documentation_knows_no_event_that_is_gone() -> None:
    assert set(re.findall(r"^\| `([a-z0-9_]+\.[a-z_]+)` \|", DOCUMENT, re.MULTILINE)) == set(EVENTS)


def test_every_common_field_is_documented() -> None:
    rows = set(re.findall(r"^\| `([a-z0-9_]+)` \|", DOCUMENT, re.MULTILINE))
    assert rows == {field.name for field in fields(Recorded)}


@pytest.mark.parametrize("kind", EVENTS.values(), ids=lambda kind: kind.name)
def test_no_event_has_a_place_for_a_secret(kind: type[Event]) -> None:
    names = {field.name for field in fields(kind)}
    assert not {name for name in names if re.search(r"secret|token|password|cookie|assertion|handle", name)}
