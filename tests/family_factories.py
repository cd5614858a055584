"""Command lines as the store's tests need them: asked for, approved, let in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from store_factories import identity, session

from federation_bridge.model import AuthorizationCode, DeviceRequest, Groups, RequestOrigin, TokenFamily
from federation_bridge.store import Store
from federation_bridge.store.held_groups import change_in
from federation_bridge.store.provisioned_changes import ProvisionedChanges
from federation_bridge.store.token_families import NewTokens, Stale

BROWSER = "a" * 64
USER_CODE = "c" * 64


def request(now: datetime, **changes: Any) -> DeviceRequest:
    origin = RequestOrigin("ref-1", "192.0.2.7", "fedbridge/1")
    return replace(DeviceRequest("fedbridge", "laptop", origin, now, now + timedelta(minutes=10)), **changes)


def family(now: datetime, name: str = "family", **changes: Any) -> TokenFamily:
    ends_at = now + timedelta(hours=8)
    return replace(TokenFamily(name, "fedbridge", "laptop", BROWSER, identity(), now, now, ends_at), **changes)


def pair(now: datetime, name: str = "1") -> NewTokens:
    return NewTokens(f"access {name}", f"refresh {name}", now + timedelta(minutes=15))


def signed_in(store: Store, now: datetime, key: str = BROWSER, subject: str = "alice") -> None:
    """The session in which something is approved, where it is not there yet."""
    if store.sessions.live(key, timedelta(days=1)) is None:
        store.sessions.admit(session(now, key, subject), "issuer", f"_{key} {now}", now)


def let_in(store: Store, now: datetime, name: str = "family", jkt: str | None = None, **changes: Any) -> TokenFamily:
    """A family with its first tokens, by way of an authorization code."""
    given = AuthorizationCode("fedbridge", "http://127.0.0.1:1/callback", "x", name, now + timedelta(minutes=1))
    made = family(now, name, **changes)
    signed_in(store, now, made.approved_in, made.identity.subject)
    store.authorization_codes.issue(f"code {name}", given, made)
    assert store.authorization_codes.take(f"code {name}") is not None
    collected = store.token_families.collect(name, jkt, pair(now, name))
    assert collected is not None
    return collected


def told_anew(store: Store, person: str, groups: Groups) -> int:
    """Puts these groups in all that a person holds, as SCIM does; gives how many rows it changed."""

    def work(changes: ProvisionedChanges) -> int:
        held = change_in(changes.writing, person, lambda _: groups)
        return sum(before != after.groups for before, after in held)

    return store.provisioned.change(person.partition("/")[0], work)


def rotate(
    store: Store, token: str, client: str, jkt: str | None, tokens: NewTokens, leniency: timedelta
) -> TokenFamily | Stale:
    """What the token gives, or why it gives nothing: both verbs, in the order of the authorization server."""
    made = store.token_families.rotate(token, client, jkt, tokens)
    asked_at = tokens.access_ends_at - timedelta(minutes=15)
    return made or store.token_families.stale(token, client, asked_at - leniency)


def approved(store: Store, now: datetime, number: int = 0, **changes: Any) -> str:
    user_code = f"{number:064d}"
    signed_in(store, now)
    assert store.device_codes.begin(f"device {number}", user_code, request(now, **changes))
    assert store.device_codes.claim(user_code, BROWSER)
    assert store.device_codes.approve(user_code, BROWSER, family(now, f"family {number}"))
    return f"device {number}"
