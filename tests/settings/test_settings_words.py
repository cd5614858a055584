"""What `check` and the start say of wrong settings: plain words for every mistake, and never a secret."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, get_args
from unittest.mock import Mock

import pytest
import yaml
from pydantic import BaseModel
from pydantic_core import core_schema

from federation_bridge.errors import ConfigurationInvalid, ConfigurationMistakes, Mistake
from federation_bridge.settings import (
    OidcConnection,
    SamlConnection,
    Settings,
    load_settings,
    settings_from,
)
from federation_bridge.settings.words import wanted

LIBRARY = re.compile(
    r"Input should|Field required|Extra inputs|String should|Value error|should have at|Unable to|unable to"
    r"|valid (string|integer|boolean|tuple|dictionary|list|path|number|timedelta)|pydantic|instance of|Keys should"
    r"|\[type=|function-|literal\[|does not appear to be|has host bits|Invalid IPv6|NoneType|object"
)
HUSH = "hunter2-quiet-and-long"
WRONG: tuple[Any, ...] = (
    *(HUSH, "", "a" * 5_000, "[::1", "https://[", "10.0.0.1/8"),
    *(7, -1, 1.5, 10**30, float("nan"), True, None, date(2026, 3, 4)),
    *([], [HUSH], [7], [None], [[1]]),
    *({}, {"x": HUSH}, {7: HUSH}, {"file": 7}, {"file": "a", "environment": "b"}),
)

GOOD: dict[str, Any] = {
    "base_url": "https://aws.example.com",
    "rules": "rules.yaml",
    "accounts": "accounts.yaml",
    "connections": {
        "saml": {"protocol": "saml", "title": "Okta", "metadata_file": "okta.xml"},
        "oidc": {"protocol": "oidc", "title": "G", "issuer": "https://accounts.google.com", "client_id": "client"},
    },
}


def places(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every setting's path, those of parts and connections included."""
    for name, field in model.model_fields.items():
        if name == "connections":
            yield ("connections",)
            yield from places(SamlConnection, ("connections", "saml"))
            yield from places(OidcConnection, ("connections", "oidc"))
            continue
        yield (*above, name)
        candidates = [field.annotation, *get_args(field.annotation)]
        parts = [one for one in candidates if isinstance(one, type) and issubclass(one, BaseModel)]
        for part in parts[:1]:
            yield from places(part, (*above, name))


def spoilt(place: tuple[str, ...], value: Any) -> dict[str, Any]:
    document = copy.deepcopy(GOOD)
    held: Any = document
    for name in place[:-1]:
        held = held.setdefault(name, {})
    held[place[-1]] = value
    return document


PLACES = [*dict.fromkeys(places(Settings)), ("connections", "saml"), ("connections", "saml", "x", "y")]


@pytest.mark.parametrize("place", PLACES, ids=".".join)
def test_whatever_stands_at_a_setting_is_taken_or_refused_in_plain_words_that_name_it(place: tuple[str, ...]) -> None:
    refused = 0
    for value in WRONG:
        try:
            settings_from(spoilt(place, value), Path("/etc/bridge"))
        except ConfigurationInvalid as refusal:
            refused += 1
            told = refusal.detail
            assert not LIBRARY.search(told.replace(HUSH, "")), told
            assert "\n" not in told
            assert ".".join(place[:2]) in told or place[-1] in told, told
            if place[-1].endswith(("secret", "password", "key")):
                assert HUSH not in told, told
    assert refused > 3


@pytest.mark.parametrize("kind", get_args(core_schema.ErrorType))
def test_every_kind_of_mistake_of_the_library_has_plain_words(kind: str) -> None:
    found: Any
    for found in (HUSH, 7, None, [], {}):
        assert not LIBRARY.search(wanted(kind, {}, found))


SENTENCES: list[tuple[tuple[str, ...], Any, str]] = [
    (
        ("connections", "oidc", "client_secret"),
        HUSH,
        "client_secret: is a secret, which never stands in this file: write `{file: PATH}` or .* there is a text$",
    ),
    (("connections", "saml", "preset"), "oktta", "connections.saml.preset: is one of .*did you mean `okta`"),
    (("connections", "saml", "hold_new_keys"), "often", "connections.saml.hold_new_keys: is `true` or `false`"),
    (("connections", "oidc", "scopes"), "openid", "oidc.scopes: is a list: `.one, another.`; there is a text"),
    (("connections", "oidc", "client_id"), 7, "connections.oidc.client_id: is a text; put it in quotes"),
    (("connections", "saml", "networks"), ["10.0.0.1/8"], "did you mean 10.0.0.0/8"),
    (("connections", "saml"), {"title": "x"}, "connections.saml: needs `protocol: saml` or `protocol: oidc`"),
    (("connections", "saml"), "x", "connections.saml: .*there is a text"),
    (("serving", "workers"), 0, "serving.workers: is at least 1; there is a number"),
    (("serving", "listen"), "8400", "serving.listen: is written `127.0.0.1:8400`"),
    (("serving",), [], "serving: holds `name: value` lines of its own; there is a list"),
    (("outgoing", "proxy"), "https://p:1", "outgoing.proxy: is written `http://host:port`"),
    (("audit", "also_to"), ["x"], "settings: audit.also_to: is `stdout`, .* a file; there is a list$"),
    (("sessions", "idle"), [], "sessions.idle: is a length of time, written for example 30m"),
]


@pytest.mark.parametrize(("place", "value", "sentence"), SENTENCES, ids=[".".join(place) for place, _, _ in SENTENCES])
def test_a_mistake_says_what_is_wanted_and_what_there_is(place: tuple[str, ...], value: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=sentence.replace("{", r"\{")):
        settings_from(spoilt(place, value), Path("/etc/bridge"))


def test_what_is_missing_is_named_and_a_good_document_is_taken() -> None:
    with pytest.raises(ConfigurationInvalid, match=r"^settings: rules: is needed, and is not there$"):
        settings_from({name: value for name, value in GOOD.items() if name != "rules"}, Path("/etc/bridge"))
    assert isinstance(settings_from(GOOD, Path("/etc/bridge")).connections, Mapping)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            b"a: b: c",
            r"line 1: is not YAML: mapping values are not allowed here: a text that holds `: ` .* \(column 5\)",
        ),
        (b"a:\n\tb: c", r"line 2: is not YAML: .*: lines are indented by blanks, never by tabs \(column 1\)"),
        (
            b"a: b\nc:d\ne: f",
            r"line 3: is not YAML: .*: a setting is `name: value`, with a blank behind .* \(column 1\)",
        ),
        (b"a: [1\nb: 2", r"line 2: is not YAML: .* \(column 2\)"),
        (b"\xff\xfe", "it is no text in UTF-8"),
        (b"[" * 5_000, "nested too deeply"),
        (b"- a", "must hold settings as `name: value` lines"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_on_one_line(tmp_path: Path, text: bytes, told: str) -> None:
    file = tmp_path / "bridge.yaml"
    file.write_bytes(text)
    with pytest.raises(ConfigurationInvalid, match=told) as refusal:
        load_settings(file)
    assert "\n" not in refusal.value.detail


def test_however_many_mistakes_there_are_their_places_are_looked_for_in_one_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word that is wrong in every connection: a long file takes its time to read, and would take it for each."""
    composing = Mock(wraps=yaml.compose)
    monkeypatch.setattr(yaml, "compose", composing)
    file = tmp_path / "settings.yaml"
    file.write_text("connections:\n" + "".join(f"  c{number}:\n    wrong: 1\n" for number in range(5)))
    with pytest.raises(ConfigurationMistakes) as refused:
        load_settings(file)
    lines = [one.line for one in refused.value.mistakes if isinstance(one, Mistake)]
    assert ({2, 4, 6, 8, 10}.issubset(lines), composing.call_count) == (True, 1)
