"""Bearer tokens of SCIM clients: an operator makes, lists and revokes them, each with its audit entry."""

from __future__ import annotations

import hmac

from federation_bridge.audit import Entry, ScimTokenMade, ScimTokenRevoked
from federation_bridge.errors import BadRequest, NotFound
from federation_bridge.mapping.document import did_you_mean
from federation_bridge.model import Clock, Randomness, RequestOrigin, ScimToken
from federation_bridge.store import Store
from federation_bridge.store.scim_tokens import MOST_TOKENS, digest_of_token

_OPERATOR = RequestOrigin(reference="operator")
_LONGEST = 256


def new_token(store: Store, clock: Clock, randomness: Randomness, connection: str) -> tuple[ScimToken, str]:
    """A new token of a connection, audited, and what opens the door: that is told this once and kept nowhere.

    BadRequest where the connection has two already.
    """
    # The prefix lets secret scanners recognise what leaked; `redaction` masks it.
    token, secret = ScimToken(connection, randomness(4).hex(), clock(), None), f"fbs_{randomness(32).hex()}"
    entry = Entry(clock(), _OPERATOR, ScimTokenMade(token.id), connection=connection)
    if not store.scim_tokens.add(token, secret, entry):
        raise BadRequest(f"connection {connection} has {MOST_TOKENS} tokens: revoke the one that is not in use")
    return token, secret


def tokens(store: Store, connection: str) -> tuple[ScimToken, ...]:
    """The tokens of a connection, the oldest first."""
    return store.scim_tokens.of(connection)


def revoke_token(store: Store, clock: Clock, connection: str, token_id: str) -> None:
    """Revokes a token at once, audited; NotFound with the nearest id where the connection has none of this id."""
    entry = Entry(clock(), _OPERATOR, ScimTokenRevoked(token_id), connection=connection)
    if not store.scim_tokens.remove(connection, token_id, entry):
        known = {one.id for one in store.scim_tokens.of(connection)}
        raise NotFound(f"connection {connection} has no token {token_id!r}{did_you_mean(token_id, known)}")


def token_of(store: Store, connection: str, secret: str) -> ScimToken | None:
    """The token of this connection that `secret` is; None where it is none. In the same time for every wrong one."""
    if len(secret) > _LONGEST:
        return None
    digest = digest_of_token(secret)
    found = [token for known, token in store.scim_tokens.digests(connection) if hmac.compare_digest(known, digest)]
    return found[0] if found else None
