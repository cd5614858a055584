"""AWS's own limits hold for every statement, on either road, before anything is signed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from aws_factories import grant

from federation_bridge.aws.statement import check_tags, check_terms
from federation_bridge.errors import OutsideAwsLimits


def test_fifty_tags_of_the_longest_size_are_taken_and_one_more_is_refused() -> None:
    tags = {f"{number:0128}": "v" * 256 for number in range(50)}
    check_tags(tags, ())
    with pytest.raises(OutsideAwsLimits, match="51 session tags"):
        check_tags(tags | {"more": ""}, ())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Team", "data"),
        ("Cost Center", "987 654"),
        ("a_.:/=+-@", "b_.:/=+-@"),
        ("\u5c71", "Zoë"),
        ("k", ""),
        ("k" * 128, "v" * 256),
        ("\U00020000", "\u0664"),
        ("awsome", "aws"),
    ],
)
def test_a_tag_within_the_limits_is_taken(key: str, value: str) -> None:
    check_tags({key: value}, (key,))


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("", "v", "without a key"),
        ("k" * 129, "v", "more than 128"),
        ("k", "v" * 257, "more than 256"),
        ("aws:k", "v", "keeps for itself"),
        ("AWS:k", "v", "keeps for itself"),
        ("k", "aws:v", "keeps for itself"),
        ("k", " v", "ends with a blank"),
        ("k", "a\u3000b", "AWS would take"),
        ("k", "a\u00a0b", "AWS would take"),
        ("k", "a\u2028b", "AWS would take"),
        ("k", "\u3164", "AWS would take"),
        ("k\u00a0", "v", "tell from another blank"),
        ("k", "a,b", "allows in no tag"),
        ("k", "a*", "allows in no tag"),
        ("k", "a\nb", "allows in no tag"),
        ("k", "<b>", "allows in no tag"),
        ("k", "\u200d", "allows in no tag"),
        ("k", "e\u0301", "allows in no tag"),
        ("k", "\U0001f600", "allows in no tag"),
    ],
)
def test_a_tag_outside_the_limits_is_refused_with_the_reason(key: str, value: str, why: str) -> None:
    with pytest.raises(OutsideAwsLimits, match=why):
        check_tags({key: value}, ())


def test_tag_keys_that_differ_only_in_case_are_refused() -> None:
    with pytest.raises(OutsideAwsLimits, match="case"):
        check_tags({"Department": "a", "department": "b"}, ())


@pytest.mark.parametrize("transitive", [("Other",), ("team",), ("Team", "Team")])
def test_only_tags_of_this_session_are_transitive_and_each_once(transitive: tuple[str, ...]) -> None:
    check_tags({"Team": "x"}, ("Team",))
    with pytest.raises(OutsideAwsLimits, match="transitive"):
        check_tags({"Team": "x"}, transitive)


@pytest.mark.parametrize("seconds", [900, 3600, 43_200])
def test_a_duration_that_aws_sells_is_taken(seconds: int) -> None:
    check_terms(grant(duration=timedelta(seconds=seconds)))


@pytest.mark.parametrize("seconds", [-1, 0, 899, 43_201, 3600.5])
def test_a_duration_that_aws_does_not_sell_is_refused(seconds: float) -> None:
    with pytest.raises(OutsideAwsLimits, match="between 15 minutes and 12 hours"):
        check_terms(grant(duration=timedelta(seconds=seconds)))


@pytest.mark.parametrize("name", ["", "a", "x" * 65, "a b", "aws:x", "Zoë", "a\n"])
def test_a_name_outside_the_alphabet_is_refused(name: str) -> None:
    with pytest.raises(OutsideAwsLimits, match="session name"):
        check_terms(grant(session_name=name))
    with pytest.raises(OutsideAwsLimits, match="source identity"):
        check_terms(grant(source_identity=name))
