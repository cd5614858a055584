"""Nouns as the store's tests need them."""

from __future__ import annotations

from datetime import datetime, timedelta

from federation_bridge.audit import Entry, Event, SignInFinished
from federation_bridge.model import Author, ChangeProposal, Groups, Identity, RequestOrigin, Session, SignIn
from federation_bridge.store.rulebook_versions import digest_of_text

IDLE = timedelta(hours=1)


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


def session(now: datetime, key: str = "a" * 64, subject: str = "alice") -> Session:
    return Session(
        key=key,
        identity=identity(subject),
        started_at=now,
        last_seen_at=now,
        ends_at=now + timedelta(hours=12),
    )


def entry(now: datetime, event: Event | None = None, person: str = "corp/alice") -> Entry:
    finished = event or SignInFinished(message_id="_m", response_id="_r", groups=2)
    return Entry(now, RequestOrigin("ref-1", "192.0.2.7", "Browser/1"), finished, person=person, connection="corp")


def proposal(now: datetime) -> ChangeProposal:
    """A change of the rulebook that waits for a second person."""
    author = Author("Ada", "corp", "ada")
    return ChangeProposal("change", digest_of_text("text"), "text", 1, "base", author, "a ticket", "page", now)
