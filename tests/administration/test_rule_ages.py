"""Since when a rule is as it is: as far back as versions in a row say of it what is said now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from mapping_factories import NOW, rule, rule_set

from federation_bridge.administration.rule_ages import rules_since
from federation_bridge.mapping import RuleSet

ADMINS = rule("{group: admins}", name="admins")
READERS = rule("{group: readers}", name="readers")
OTHER_READERS = rule("{group: reader}", name="readers")


def versions(*each: RuleSet) -> list[tuple[datetime, RuleSet]]:
    """The newest first, a day between."""
    return [(NOW - timedelta(days=number), rules) for number, rules in enumerate(each)]


def test_a_rule_is_as_it_is_since_the_oldest_version_in_a_row_that_says_the_same() -> None:
    now = rule_set(ADMINS, READERS)
    earlier = versions(now, rule_set(READERS, ADMINS), rule_set(ADMINS, OTHER_READERS), rule_set(ADMINS))
    found = rules_since(now, earlier)
    assert found == {"admins": NOW - timedelta(days=3), "readers": NOW - timedelta(days=1)}


def test_what_was_taken_away_in_between_and_put_back_began_again() -> None:
    now = rule_set(ADMINS, READERS)
    assert rules_since(now, versions(now, rule_set(ADMINS), now))["readers"] == NOW


def test_words_that_decide_nothing_make_no_rule_younger() -> None:
    now = rule_set(ADMINS.replace("  when", "  description: of the platform\n  owner: Kim\n  when"))
    assert rules_since(now, versions(now, rule_set(READERS, ADMINS))) == {"admins": NOW - timedelta(days=1)}


def test_a_rule_of_which_no_version_is_known_has_no_age() -> None:
    assert rules_since(rule_set(ADMINS), versions(rule_set(READERS))) == {}


def test_no_more_versions_are_read_than_are_needed() -> None:
    read: list[datetime] = []

    def counted() -> Iterator[tuple[datetime, RuleSet]]:
        for one in versions(*[rule_set(ADMINS), rule_set(READERS), rule_set(READERS), rule_set(READERS)]):
            read.append(one[0])
            yield one

    rules_since(rule_set(ADMINS), counted())
    assert len(read) == 2
