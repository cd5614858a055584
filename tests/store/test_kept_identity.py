"""An identity as it is kept: the present shape and the one before it are read, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from federation_bridge.errors import NotSignedIn
from federation_bridge.model import Groups, Identity
from federation_bridge.store import codec

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
_HEAD = '{"connection":"corp","subject":"ada","name":"Ada","email":null,"email_is_verified":false,"groups":["admins"],'
_TAIL = (
    '"attributes":{"team":["blue"]},"authn_methods":["mfa"],'
    '"authenticated_at":"2026-03-04T12:00:00+00:00","session_ends_at":null'
)
_HELD = f'{_HEAD}"groups_gap":null,"groups_left_out":null,'
KEPT = {
    "before, for the release before it": f"{_HELD}{_TAIL}}}",
    "before": f'{_HELD}"groups_as_of":null,{_TAIL}}}',
    "present": f'{_HELD}"groups_as_of":null,{_TAIL},"answered_after":null}}',
}
"""An identity as each shape that counts keeps it. Where the text changes, each moves up by one, and the first goes."""

ADA = Identity(
    "corp",
    "ada",
    "Ada",
    groups=Groups(("admins",)),
    attributes={"team": ("blue",)},
    authn_methods=("mfa",),
    authenticated_at=NOON,
)


def test_each_shape_that_counts_stands_in_the_table() -> None:
    present = set(json.loads(KEPT["present"]))
    before = present - codec._NEW
    assert [set(json.loads(text)) for text in KEPT.values()] == [before - codec._NEW_BEFORE, before, present]


@pytest.mark.parametrize("shape", KEPT)
def test_what_another_release_kept_is_read(shape: str) -> None:
    assert codec.identity_from_text(KEPT[shape]) == ADA


@pytest.fixture
def one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the last change of `Identity` had brought the end of the provider's session."""
    monkeypatch.setattr(codec, "_NEW", frozenset({"session_ends_at"}))


def _without(*names: str) -> str:
    kept: dict[str, Any] = json.loads(KEPT["present"])
    return json.dumps({name: value for name, value in kept.items() if name not in names})


@pytest.mark.usefixtures("one_more")
def test_a_text_of_the_shape_before_is_read_with_the_defaults() -> None:
    assert codec.identity_from_text(_without("session_ends_at")) == ADA
    assert codec.identity_from_text(KEPT["present"]) == ADA


@pytest.mark.usefixtures("one_more")
def test_a_text_is_written_so_that_a_node_of_the_release_before_reads_it_where_nothing_is_lost() -> None:
    assert "session_ends_at" not in json.loads(codec.identity_to_text(ADA))
    ending = replace(ADA, session_ends_at=NOON)
    assert codec.identity_from_text(codec.identity_to_text(ending)) == ending


def test_what_is_written_is_what_the_release_before_wrote_where_the_provider_tells_when_it_saw_the_person() -> None:
    assert codec.identity_to_text(ADA) == KEPT["before"]
    told = replace(ADA, groups=Groups(("admins",), left_out="one has U+000A", as_of=NOON))
    assert set(json.loads(codec.identity_to_text(told))) == set(json.loads(KEPT["before"]))
    told = replace(told, authenticated_at=None, answered_after=NOON)
    assert set(json.loads(codec.identity_to_text(told))) == set(json.loads(KEPT["present"]))
    assert codec.identity_from_text(codec.identity_to_text(told)) == told


@pytest.mark.parametrize("instant", ["2026-03-04T12:00:00", "yesterday", 7])
@pytest.mark.parametrize("member", ["groups_as_of", "answered_after"])
def test_a_time_that_is_none_signs_nobody_in(instant: object, member: str) -> None:
    kept = json.loads(KEPT["present"]) | {member: instant}
    with pytest.raises(NotSignedIn):
        codec.identity_from_text(json.dumps(kept))


@pytest.mark.parametrize(
    "missing", [("session_ends_at",), ("groups",), ("session_ends_at", "groups_gap"), ("groups_left_out",)]
)
def test_any_other_shape_signs_nobody_in(missing: tuple[str, ...]) -> None:
    with pytest.raises(NotSignedIn):
        codec.identity_from_text(_without(*missing))


@pytest.mark.usefixtures("one_more")
def test_a_member_that_is_not_new_is_never_filled_in() -> None:
    for missing in (("groups_gap",), ("session_ends_at", "groups_gap")):
        with pytest.raises(NotSignedIn):
            codec.identity_from_text(_without(*missing))
