"""What the revocation policy denies and what it does not, judged by the sandbox's own reading of IAM's language."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation_bridge.aws.revocations import (
    ALLOW_ALL,
    GRANT_TAG,
    LONGEST_POLICY,
    Composition,
    Deny,
    composed,
    deny_only,
    same_policy,
)
from federation_bridge.errors import OutsideAwsLimits
from federation_bridge.sandbox.aws.policy.document import parse_policy
from federation_bridge.sandbox.aws.policy.evaluation import Request, Verdict, decide

NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
ROLES = [f"arn:aws:iam::111122223333:role/{name}" for name in ("Admin", "team/Reader", "Reader", "odd*/${aws:x}/R?")]
NAMES = ["mei.lin@example.com", "mei.lin@example.co", "ravi-abcdefghijklmnop", "li"]
GRANTS = ["_aa", "_ab"]

moments = st.integers(0, 6).map(lambda minutes: NOON + timedelta(minutes=minutes))
denies = st.one_of(
    st.builds(Deny, moments),
    st.builds(Deny, moments, source_identity=st.sampled_from(NAMES)),
    st.builds(Deny, moments, session_name=st.sampled_from(NAMES)),
    st.builds(Deny, moments, role_arn=st.sampled_from(ROLES)),
    st.builds(Deny, moments, grant_id=st.sampled_from(GRANTS)),
    st.builds(Deny, moments, session_name=st.sampled_from(NAMES), role_arn=st.sampled_from(ROLES)),
)


def _session(name: str, source: str, role: str, issued_at: datetime, grant: str = "") -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {
        "aws:userid": (f"AROAEXAMPLEEXAMPLE:{name}",),
        "aws:sourceidentity": (source,),
        "aws:principalarn": (role,),
        "aws:tokenissuetime": (issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),),
    }
    return {**found, **({f"aws:principaltag/{GRANT_TAG.lower()}": (grant,)} if grant else {})}


sessions = st.builds(
    _session,
    st.sampled_from([*NAMES, "chosen-by-a-chain"]),
    st.sampled_from(NAMES),
    st.sampled_from(ROLES),
    st.integers(-60, 420).map(lambda seconds: NOON + timedelta(seconds=seconds)),
    st.sampled_from(["", *GRANTS]),
)


def _is_denied(policy: Composition | str, session: dict[str, tuple[str, ...]]) -> bool:
    text = policy if isinstance(policy, str) else policy.text
    verdict = decide([parse_policy(text)], Request("s3:GetObject", "arn:aws:s3:::reports/one", session))
    assert verdict is not Verdict.SILENT, "a boundary that is silent takes everything from everybody"
    return verdict is Verdict.DENIED


def _is_meant(deny: Deny, session: dict[str, tuple[str, ...]], at: datetime | None = None) -> bool:
    issued_at = datetime.fromisoformat(session["aws:tokenissuetime"][0])
    grant = session.get(f"aws:principaltag/{GRANT_TAG.lower()}", ("",))[0]
    return (
        issued_at < (at or deny.issued_before)
        and deny.source_identity in ("", session["aws:sourceidentity"][0])
        and deny.session_name in ("", session["aws:userid"][0].partition(":")[2])
        and deny.role_arn in ("", session["aws:principalarn"][0])
        and deny.grant_id in ("", grant)
    )


@settings(max_examples=300)
@given(st.lists(denies, max_size=6), st.lists(denies, max_size=6), sessions)
def test_denies_exactly_the_sessions_that_were_meant(
    standing: list[Deny], wanted: list[Deny], session: dict[str, tuple[str, ...]]
) -> None:
    policy = composed(standing, wanted)

    assert not policy.left_out
    assert _is_denied(policy, session) == any(_is_meant(one, session) for one in (*standing, *wanted))


@settings(max_examples=200)
@given(st.lists(denies, min_size=1, max_size=12), st.integers(100, 900), sessions)
def test_a_full_policy_denies_what_it_holds_and_nothing_wider(
    wanted: list[Deny], most: int, session: dict[str, tuple[str, ...]]
) -> None:
    policy = composed(wanted[:3], wanted[3:], most)

    assert len(policy.text) <= most
    assert sorted(map(repr, (*policy.held, *policy.left_out))) == sorted(map(repr, wanted))
    assert _is_denied(policy, session) == any(_is_meant(one, session) for one in policy.held)


@settings(max_examples=200)
@given(st.lists(st.tuples(denies, st.integers(0, 4)), min_size=1, max_size=8), sessions)
def test_an_instant_moves_only_inside_its_window(
    windows: list[tuple[Deny, int]], session: dict[str, tuple[str, ...]]
) -> None:
    """Nobody got anything inside the windows, so what matters are sessions outside of all of them."""
    wanted = [replace(one, at_latest=one.issued_before + timedelta(minutes=more)) for one, more in windows]
    is_denied = _is_denied(composed((), wanted), session)

    if any(_is_meant(one, session) for one in wanted):
        assert is_denied
    if not any(_is_meant(one, session, one.latest) for one in wanted):
        assert not is_denied


def test_windows_that_meet_share_a_statement() -> None:
    people = [
        Deny(NOON + timedelta(minutes=one), f"person-{one}", at_latest=NOON + timedelta(hours=1)) for one in range(50)
    ]
    policy = composed((), people)

    assert len(policy.document["Statement"]) == 2
    assert not policy.left_out
    apart = composed((), [Deny(one.issued_before, one.source_identity) for one in people])
    assert apart.left_out, "without windows each has a statement of its own, and 50 are too many"


def test_what_is_denied_already_is_never_put_out_for_somebody_else() -> None:
    standing = [Deny(NOON, "x" * 60 + f"{one:04}") for one in range(88)]
    policy = composed(standing, [Deny(NOON, "li"), Deny(NOON + timedelta(minutes=1), "short-name")])

    assert set(standing) <= set(policy.held)
    assert len(policy.text) <= LONGEST_POLICY
    full = composed((), [Deny(NOON, "x" * 60 + f"{one:04}") for one in range(200)]).held
    newcomer = Deny(NOON, "z" * 64)
    assert composed(full, [newcomer]).left_out == (newcomer,)
    assert composed(full, [newcomer]).held == full


def test_the_shortest_go_first_so_that_most_fit() -> None:
    wanted = [Deny(NOON, "x" * 60 + f"{one:04}") for one in range(200)] + [Deny(NOON, f"p{one}") for one in range(200)]

    held = composed((), wanted).held

    assert {f"p{one}" for one in range(200)} <= {one.source_identity for one in held}


def test_the_person_who_is_let_in_again_is_not_denied_and_the_colleague_never_was() -> None:
    policy = composed((), [Deny(NOON, "mei.lin@example.com")])
    role = ROLES[0]

    assert _is_denied(policy, _session("n1", "mei.lin@example.com", role, NOON - timedelta(seconds=1)))
    assert not _is_denied(policy, _session("n1", "mei.lin@example.com", role, NOON))
    assert not _is_denied(policy, _session("n2", "ravi-abcdefghijklmnop", role, NOON - timedelta(hours=1)))


def test_a_session_that_assumed_another_role_is_denied_with_its_person() -> None:
    policy = composed((), [Deny(NOON, "mei.lin@example.com")])
    chained = _session("chosen-by-a-chain", "mei.lin@example.com", ROLES[2], NOON - timedelta(minutes=5))

    assert _is_denied(policy, chained)


def test_one_grant_ends_by_its_tag_and_the_same_persons_other_grant_goes_on() -> None:
    policy = composed((), [Deny(NOON, grant_id="_aa")])
    before = NOON - timedelta(minutes=5)

    assert _is_denied(policy, _session("li", "li", ROLES[0], before, "_aa"))
    assert not _is_denied(policy, _session("li", "li", ROLES[0], before, "_ab"))


def test_a_role_whose_path_looks_like_a_pattern_is_no_pattern() -> None:
    policy = composed((), [Deny(NOON, role_arn=ROLES[3])])
    before = NOON - timedelta(minutes=5)

    assert _is_denied(policy, _session("li", "li", ROLES[3], before))
    other = ROLES[3].replace("*", "x").replace("?", "1")
    assert not _is_denied(policy, _session("li", "li", other, before))


def test_the_same_denies_give_the_same_bytes_in_any_order() -> None:
    wanted = [Deny(NOON, "b1"), Deny(NOON, "a1"), Deny(NOON, role_arn=ROLES[0]), Deny(NOON, grant_id="_aa")]

    assert composed((), wanted).text == composed((), reversed(wanted)).text == composed(wanted[::-1], ()).text
    assert composed((), [*wanted, *wanted]).text == composed((), wanted).text


def test_a_later_deny_of_the_same_people_takes_no_more_room() -> None:
    one = composed((), [Deny(NOON, "a1")])
    two = composed([Deny(NOON, "a1")], [Deny(NOON + timedelta(minutes=9), "a1")])

    assert len(one.text) == len(two.text)
    assert "12:09:00" in two.text


def test_a_policy_that_denies_nobody_allows_all_and_gives_nothing() -> None:
    assert json.loads(composed((), ()).text) == {"Version": "2012-10-17", "Statement": [ALLOW_ALL]}


def test_what_is_pasted_allows_nothing() -> None:
    statements = deny_only([Deny(NOON, "a1"), Deny(NOON, role_arn=ROLES[1])])["Statement"]

    assert [one["Effect"] for one in statements] == ["Deny", "Deny"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"source_identity": "*"},
        {"source_identity": "${aws:username}"},
        {"session_name": "m?i"},
        {"session_name": "aws:x"},
        {"grant_id": "*"},
        {"source_identity": "a1", "session_name": "a1"},
        {"issued_before": NOON.replace(microsecond=1)},
        {"issued_before": NOON.replace(tzinfo=None)},
        {"at_latest": NOON.astimezone(None).replace(tzinfo=None)},
    ],
)
def test_a_name_that_would_mean_more_in_a_policy_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(OutsideAwsLimits):
        Deny(**{"issued_before": NOON, **wrong})  # type: ignore[arg-type]


def test_two_documents_are_the_same_whatever_their_whitespace() -> None:
    policy = composed((), [Deny(NOON, "a1")])

    assert same_policy(json.loads(json.dumps(policy.document, indent=4)), policy.document)
    assert not same_policy(policy.document, composed((), ()).document)
