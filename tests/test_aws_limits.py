"""What AWS takes is defined once, and the sandbox, which judges us with a definition of its own, agrees."""

from __future__ import annotations

import sys
import unicodedata
from contextlib import nullcontext
from functools import cache

import pytest
from aws_factories import NOW, grant, signing_key

from federation_bridge import aws_limits
from federation_bridge.aws import assertion, id_token, session_names
from federation_bridge.aws.statement import Statement, check_tags
from federation_bridge.aws_limits import (
    is_taken_in_tags,
    source_identity_mistake,
    tag_key_mistake,
    tag_value_mistake,
)
from federation_bridge.errors import OutsideAwsLimits
from federation_bridge.model import Grant
from federation_bridge.sandbox.aws import parameters, session_terms
from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.sts import with_role
from federation_bridge.shown_text import is_shown
from federation_bridge.signing import Purpose

_LETTERS_END = 0x32400
"""Beyond it no character has a meaning of its own: long runs of one category, of which the ends are looked at."""


def _is_alike(point: int) -> bool:
    """Whether Unicode says the same of the characters before and behind it."""
    return len({unicodedata.category(chr(near)) for near in (point - 1, point, min(point + 1, sys.maxunicode))}) == 1


@cache
def every_character() -> list[str]:
    """Made when a test asks: to read a million characters takes a second, which each process would spend to collect."""
    return [chr(one) for one in range(sys.maxunicode + 1) if one < _LETTERS_END or not _is_alike(one)]


NOT_SHOWN = {
    "\u00a0", "\u115f", "\u1160", "\u1680", *map(chr, range(0x2000, 0x200B)), "\u2028", "\u2029", "\u202f", "\u205f",
    "\u3000", "\u3164", "\uffa0",
}  # fmt: skip
"""All that AWS takes in tags and that people do not see as what it is."""


def test_tags_are_letters_separators_numbers_and_ten_signs_to_us_and_to_the_sandbox() -> None:
    documented = [one for one in every_character() if unicodedata.category(one)[0] in "LZN" or one in "_.:/=+-@"]
    assert [one for one in every_character() if is_taken_in_tags(one)] == documented
    assert [one for one in every_character() if session_terms.is_tag_text(one, 1)] == documented


def test_we_put_in_a_tag_what_aws_takes_but_for_what_nobody_sees() -> None:
    for value in every_character():
        surrounded = f"a{value}b"
        is_ours = tag_value_mistake(surrounded) is None
        assert is_ours == (session_terms.is_tag_text(surrounded, 256) and value not in NOT_SHOWN), hex(ord(value))
    assert {one for one in every_character() if is_taken_in_tags(one) and not is_shown(one)} == NOT_SHOWN


@pytest.mark.parametrize("character", sorted(NOT_SHOWN), ids=lambda one: f"U+{ord(one):04X}")
def test_what_is_left_out_on_purpose_is_not_blamed_on_aws(character: str) -> None:
    mistake = str(tag_value_mistake(f"a{character}b"))
    assert f"has U+{ord(character):04X} ({unicodedata.name(character)})" in mistake
    assert "AWS would take" in mistake
    assert "allows in no tag" in str(tag_value_mistake("a\u200bb"))


def test_names_of_sessions_and_source_identities_have_one_alphabet() -> None:
    for one in every_character():
        is_ours = source_identity_mistake(f"a{one}") is None
        assert is_ours == (session_terms.NAME.fullmatch(f"a{one}") is not None), hex(ord(one))
        assert is_ours == (with_role.NAME.fullmatch(f"a{one}") is not None), hex(ord(one))
        assert is_ours == (aws_limits.PERSON_NAME.fullmatch(f"a{one}") is not None), hex(ord(one))


@pytest.mark.parametrize("length", [0, 1, 2, 64, 65])
def test_names_of_sessions_and_source_identities_have_one_length(length: int) -> None:
    name = "x" * length
    assert (source_identity_mistake(name) is None) == (session_terms.NAME.fullmatch(name) is not None)
    assert (session_names.source_identity(name) == name) == (2 <= length <= 64)


@pytest.mark.parametrize(("key", "value"), [(0, 0), (1, 0), (128, 256), (129, 256), (128, 257)])
def test_keys_and_values_have_one_length(key: int, value: int) -> None:
    ours = tag_key_mistake("k" * key) is None and tag_value_mistake("v" * value) is None
    assert ours == ((key, value) in {(1, 0), (128, 256)})
    with nullcontext() if ours else pytest.raises(Refused):
        session_terms.read_tags([("k" * key, "v" * value)], ())
    with nullcontext() if ours else pytest.raises(OutsideAwsLimits):
        check_tags({"k" * key: "v" * value}, ())


def test_the_sandbox_has_the_same_numbers() -> None:
    ours = (
        aws_limits.SHORTEST_SESSION.total_seconds(),
        aws_limits.LONGEST_SESSION.total_seconds(),
        aws_limits.MOST_TAGS,
        aws_limits.MOST_POLICY_ARNS,
        aws_limits.LONGEST_POLICIES,
    )
    assert list(ours) == [
        session_terms.SHORTEST,
        session_terms.LONGEST,
        session_terms._MAX_TAGS,
        session_terms._MAX_POLICY_ARNS,
        session_terms._MAX_POLICY_CHARACTERS,
    ]
    assert parameters.POLICY.fullmatch("\xff")


def signed(made: Grant) -> Statement:
    if made.account.road == "saml":
        return assertion.build(made, key=signing_key(), issuer_entity_id="https://bridge.example.com", now=NOW)
    key = signing_key(Purpose.AWS_OIDC)
    return id_token.build(made, key=key, issuer="https://bridge.example.com", now=NOW)


@pytest.mark.parametrize(("road", "most"), [("saml", 100_000), ("oidc", 20_000)])
def test_a_statement_that_is_too_long_names_the_limit_and_what_makes_it_long(road: str, most: int) -> None:
    tags = {f"{number:02}" + "\U00020000" * 125: "\U00020000" * 250 for number in range(49)}
    tags["48" + "\U00020000" * 125] = "\U00020000" * 256
    with pytest.raises(OutsideAwsLimits) as refusal:
        signed(grant(road, tags=tags))
    told = refusal.value.detail
    assert f"characters, and AWS takes {most} at most; its 49 session tags have 73622 bytes" in told
    assert "most of all '48\U00020000" in told and "(1526), '47" in told
    assert "AWS was not asked" in told
    assert "did not accept" not in OutsideAwsLimits.public
    assert len(signed(grant(road, tags={"the longest": "x"})).text) < most
