"""Nouns as the store's tests need them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from federation_bridge.audit import Entry, Event, SignInFinished
from federation_bridge.model import (
    Author,
    ChangeProposal,
    EndedAtProvider,
    Groups,
    Identity,
    LiveGrant,
    ProviderSession,
    RequestOrigin,
    Revocation,
    Session,
    SignIn,
)
from federation_bridge.store.hand_overs import Acting
from federation_bridge.store.rulebook_versions import digest_of_text

IDLE = timedelta(hours=1)
NOBODY = Acting("no such session", "corp/nobody")


def sign_in(now: datetime) -> SignIn:
    return SignIn(
        handle="handle",
        connection="corp",
        return_to="/go/111122223333/reader",
        request_id="_request",
        nonce="nonce",
        code_verifier="verifier",
        started_at=now,
        expires_at=now + timedelta(minutes=10),
    )


def identity(subject: str = "alice") -> Identity:
    return Identity(
        connection="corp",
        subject=subject,
        name="Alice Example",
        email="alice@example.com",
        email_is_verified=True,
        groups=Groups(("aws#111122223333#reader", "staff")),
        attributes={"team": ("blue", "green")},
        authn_methods=("mfa",),
    )


AT_PROVIDER = ProviderSession("id.example.com", "00u-alice", "provider-session-1")


def ended_at_provider(now: datetime, message: str = "_out", *, subject: str = "", session: str = "") -> EndedAtProvider:
    """A provider's word that the session of `session()` has ended, or whatever is named."""
    named = ProviderSession("id.example.com", subject, session) if subject or session else AT_PROVIDER
    return EndedAtProvider(named, "https://id.example.com", message, now + timedelta(minutes=2), now)


def session(
    now: datetime, key: str = "a" * 64, subject: str = "alice", at_provider: ProviderSession = AT_PROVIDER
) -> Session:
    return Session(
        at_provider=at_provider,
        key=key,
        identity=identity(subject),
        started_at=now,
        last_seen_at=now,
        ends_at=now + timedelta(hours=12),
    )


def entry(now: datetime, event: Event | None = None, person: str = "corp/alice") -> Entry:
    finished = event or SignInFinished(message_id="_m", response_id="_r", groups=2)
    return Entry(now, RequestOrigin("ref-1", "192.0.2.7", "Browser/1"), finished, person=person, connection="corp")


def live_grant(now: datetime, grant_id: str = "_grant", person: str = "corp/alice", role: str = "reader") -> LiveGrant:
    """What AWS may issue for an hour: its key is not known yet."""
    return LiveGrant(
        id=grant_id,
        person=person,
        partition="aws",
        account="111122223333",
        role=role,
        role_arn=f"arn:aws:iam::111122223333:role/{role}",
        session_name=person.rpartition("/")[2],
        source_identity=person.replace("/", "="),
        road="oidc",
        made_at=now,
        ends_at=now + timedelta(hours=1),
        is_handed_over=False,
    )


def proposal(now: datetime) -> ChangeProposal:
    """A change of the rulebook that waits for a second person."""
    author = Author("Ada", "corp", "ada")
    return ChangeProposal("change", digest_of_text("text"), "text", 1, "base", author, "a ticket", "page", now)


def revocation(now: datetime, asked: str = "revocation", **changes: Any) -> Revocation:
    """A person's sessions that shall end in an account."""
    person = Revocation(
        id=asked,
        kind="person",
        partition="aws",
        account="111122223333",
        issued_before=now + timedelta(minutes=1),
        longest=timedelta(hours=1),
        asked_at=now,
        because="left the company",
        person="corp/alice",
        source_identity="corp-alice-abcdefghijklmnop",
    )
    return replace(person, **changes)
