"""A text that is wrong everywhere is refused as fast as one that is right is read."""

from __future__ import annotations

import difflib

import pytest
from mapping_factories import CONNECTIONS, rule, rules_text

from federation_bridge.errors import ConfigurationMistakes
from federation_bridge.mapping import Register, load_register, load_rules
from federation_bridge.mapping.document import did_you_mean
from federation_bridge.mapping.mistakes import MOST_MISTAKES

ACCOUNTS = [f"{100_000_000_000 + 7_919 * number}" for number in range(1_000)]


def register() -> Register:
    entries = (
        f'  - {{id: "{one}", name: "A {one}", provider: "arn:aws:iam::{one}:saml-provider/b", roles: [Reader]}}\n'
        for one in ACCOUNTS
    )
    return load_register("version: 1\naccounts:\n" + "".join(entries))


def mistaken(count: int) -> tuple[str, ...]:
    wrong = (rule("{group: a}", f'{{role: "{ACCOUNTS[at % 1_000][:-1]}x/Reader"}}', f"r{at}") for at in range(count))
    with pytest.raises(ConfigurationMistakes) as refusal:
        load_rules(rules_text(*wrong), register(), CONNECTIONS)
    return refusal.value.mistakes


def test_each_mistake_is_compared_with_few_of_many_names(monkeypatch) -> None:
    """Letter by letter, each would be compared with a thousand: a form of 1 MB kept a worker busy for minutes."""
    compared: list[int] = []
    whole = difflib.get_close_matches

    def counted(word, known, *more, **options):
        compared.append(len(known))
        return whole(word, known, *more, **options)

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    assert len(mistaken(50)) == 50
    assert did_you_mean(ACCOUNTS[500][:-1], ACCOUNTS) == f"; did you mean {ACCOUNTS[500]!r}?"
    assert did_you_mean("x" * 1_000_000, ACCOUNTS) == ""
    assert max(compared) <= 20


def test_reading_ends_where_nobody_mends_so_many_at_once() -> None:
    assert len(mistaken(MOST_MISTAKES + 50)) == MOST_MISTAKES
