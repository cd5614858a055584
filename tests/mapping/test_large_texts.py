"""How much text is taken, and what is told where there is more."""

from __future__ import annotations

import pytest
from mapping_factories import CONNECTIONS, identity, keys, register, rule, rules_text

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import load_rules

LARGE = rules_text(rule("{person: s-1}"))


def test_a_text_of_as_many_characters_as_a_hundred_thousand_rules_is_read() -> None:
    text = LARGE + "# a long remark\n" * 1_000_000
    assert keys(load_rules(text, register(), CONNECTIONS), identity()) == ("111111111111/Administrator",)


@pytest.mark.parametrize("more", ["# ", "x: "])
def test_a_text_of_fifty_megabytes_is_refused_before_it_is_read(more: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"^b: line 1: the file has more than 32000000 characters"):
        load_rules([("a", LARGE), ("b", LARGE + more * 25_000_000)], register(), CONNECTIONS)


def test_all_texts_together_are_no_longer_than_one_may_be() -> None:
    half = "# a long remark\n" * 1_100_000
    with pytest.raises(ConfigurationInvalid, match=r"^b: line 1: the rules have more than 32000000 characters"):
        load_rules([("a", LARGE + half), ("b", LARGE + half)], register(), CONNECTIONS)
