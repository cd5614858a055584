"""Names for CloudTrail: readable, in AWS's alphabet, and never the same for two people."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation_bridge.aws.session_names import session_name, source_identity, with_hash
from federation_bridge.model import Identity

AWS_NAME = re.compile(r"[a-zA-Z_0-9+=,.@-]{2,64}")


def identity(subject: str = "00u1", name: str = "", email: str | None = None, verified: bool = False) -> Identity:
    return Identity("okta", subject, name, email=email, email_is_verified=verified)


@pytest.mark.parametrize("email", ["alice@example.com", "a.b+c=d,e_f-g@x", "a@b", "x" * 52 + "@example.com"])
def test_a_verified_address_that_aws_can_take_stands_as_it_is(email: str) -> None:
    assert session_name(identity(name="Somebody Else", email=email, verified=True)) == email


@pytest.mark.parametrize(
    ("name", "email", "verified", "readable"),
    [
        ("Alice Ng", "alice@example.com", False, "Alice-Ng"),
        ("Alice Ng", None, False, "Alice-Ng"),
        ("Alice Ng", "o'hara@example.com", True, "o-hara-example.com"),
        ("Alice Ng", "alice", True, "alice"),
        ("Alice Ng", "x" * 60 + "@example.com", True, "x" * 47),
        ("Zoë Müller", None, False, "Zoe-Muller"),
        ("\u5c71\u7530 \u592a\u90ce", None, False, "person"),
        ("", None, False, "person"),
        ("a/b", None, False, "a-b"),
        ("a_b", None, False, "a_b"),
        ("bob@example.com", None, False, "bob-example.com"),
        ("n\r\nname", None, False, "n-name"),
        ("w" * 300, None, False, "w" * 47),
        ("Admin\u202egnp", None, False, "Admin-gnp"),
        ("\u0430lice", None, False, "lice"),
    ],
)
def test_every_other_name_is_folded_and_carries_a_hash_of_the_person(
    name: str, email: str | None, verified: bool, readable: str
) -> None:
    folded = session_name(identity(name=name, email=email, verified=verified))
    assert AWS_NAME.fullmatch(folded)
    assert re.fullmatch(re.escape(readable) + "-[a-z2-7]{16}", folded)


@pytest.mark.parametrize(
    ("name", "email", "verified", "shown"),
    [
        ("agent=Ada", None, False, "agent-Ada-"),
        ("Agent=Ada", "ada@example.com", False, "Agent-Ada-"),
        (" .agent=Ada", None, False, ".agent=Ada-"),
        ("\uff41gent\uff1dAda", None, False, "agent-Ada-"),
        ("\u2014agent==Ada", None, False, "agent-=Ada-"),
        ("Ada", "agent=ada@example.com", True, "agent-ada-example.com-"),
        ("Ada", "AGENT=ada@example.com", True, "AGENT-ada-example.com-"),
        ("Ada", "agent@example.com", True, "agent@example.com"),
        ("Ada", "a.agent=x@example.com", True, "a.agent=x@example.com"),
    ],
)
def test_nobody_is_called_as_agents_are(name: str, email: str | None, verified: bool, shown: str) -> None:
    who = identity(name=name, email=email, verified=verified)
    own, agents = session_name(who), session_name(who, for_agent=True)
    assert own.startswith(shown) and not own.lower().startswith("agent=")
    assert agents.startswith("agent=") and agents != own
    assert AWS_NAME.fullmatch(own) and AWS_NAME.fullmatch(agents)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (identity("1", "a/b"), identity("2", "a b")),
        (identity("1", "a_b"), identity("2", "a_b")),
        (identity("1", "Alice"), identity("2", "\u0410lice")),
        (identity("1", "w" * 300), identity("2", "w" * 301)),
        (identity("1", "alice@example.com"), identity("2", "", "alice@example.com", True)),
        (identity("1", "x", "alice@example.com", False), identity("2", "x", "alice@example.com", True)),
    ],
)
def test_two_people_never_share_a_folded_name(one: Identity, other: Identity) -> None:
    assert session_name(one) != session_name(other)


def test_nobody_can_be_called_like_a_verified_address_even_with_the_right_hash() -> None:
    honest = session_name(identity("1", "eve"))
    disguised = "alice@example.com" + honest[honest.index("-") :]
    assert "@" not in session_name(identity("1", disguised))


def test_the_name_stays_the_same_for_the_same_person() -> None:
    assert session_name(identity("1", "Alice Ng")) == session_name(identity("1", "Alice Ng"))


def test_a_name_that_has_the_persons_hash_already_is_not_given_another() -> None:
    once = with_hash("alice@example.com", "okta/1")
    assert with_hash(once, "okta/1") == once
    assert with_hash(once, "okta/2") != once


def test_the_same_subject_at_two_connections_is_two_people() -> None:
    assert with_hash("alice", "okta/1") != with_hash("alice", "google/1")


@pytest.mark.parametrize("text", ["alice@example.com", "00u1", "aws", "a.b", "=,+-"])
def test_a_source_identity_that_aws_can_take_stands_as_it_is(text: str) -> None:
    assert source_identity(text) == text


@pytest.mark.parametrize("text", ["okta/00u1", "a", "", "aws:admin", "x" * 65, "Zoë", "a b", "line\nbreak", "\ud800"])
def test_every_other_source_identity_is_folded_with_a_hash_of_the_text(text: str) -> None:
    folded = source_identity(text)
    assert AWS_NAME.fullmatch(folded)
    assert re.fullmatch(r".+-[a-z2-7]{16}", folded)


def test_a_text_that_looks_folded_is_folded_too_so_that_it_names_nobody_else() -> None:
    victim = source_identity("okta/00u1")
    assert source_identity(victim) != victim


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_source_identity_is_legal_and_different_for_different_texts(one: str, other: str) -> None:
    assert AWS_NAME.fullmatch(source_identity(one))
    assert not source_identity(one).lower().startswith("aws:")
    assert (source_identity(one) == source_identity(other)) == (one == other)


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80), st.booleans())
def test_a_session_name_is_always_legal_and_has_an_at_sign_only_if_verified(
    subject: str, name: str, email: str, verified: bool
) -> None:
    made = session_name(identity(subject, name, email, verified))
    assert AWS_NAME.fullmatch(made)
    assert "@" not in made or (verified and made == email)
