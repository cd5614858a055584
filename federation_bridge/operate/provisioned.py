"""SCIM, as an operator sees it: tokens, and what each connection's client told."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from federation_bridge import system_clock
from federation_bridge.administration import scim_tokens, scim_told
from federation_bridge.audit import printable
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping.document import did_you_mean
from federation_bridge.operate.opening import store_looked_at, store_of
from federation_bridge.settings import Settings

_PAGE = 500
_MOST_SHOWN = 100_000


def made(settings: Settings, connection: str) -> Iterator[str]:
    """A new token, as `administration.scim_tokens` makes it: the lines to enter at the identity provider."""
    if settings.connections[_known(settings, connection)].scim is None:
        raise ConfigurationInvalid(f"connection {connection} takes no SCIM: write `scim: {{}}` into its settings first")
    with store_of(settings) as store:
        token, secret = scim_tokens.new_token(store, system_clock.utc_now, secrets.token_bytes, connection)
    yield f"Address: {settings.base_url}/scim/v2/{connection}"
    yield f"Token:   {secret}"
    yield f"Id:      {token.id} (for `scim token revoke`; the token itself is shown this once)"


def tokens(settings: Settings, connection: str) -> Iterator[str]:
    """A line for each token."""
    with store_looked_at(settings) as store:
        for one in scim_tokens.tokens(store, _known(settings, connection)):
            used = (
                "never used" if one.last_used_at is None else f"used {one.last_used_at.isoformat(timespec='minutes')}"
            )
            yield f"{one.id}  made {one.made_at.isoformat(timespec='seconds')}  {used}"


def revoke(settings: Settings, connection: str, token_id: str) -> None:
    """Revokes a token, as `administration.scim_tokens` does."""
    with store_of(settings) as store:
        scim_tokens.revoke_token(store, system_clock.utc_now, _known(settings, connection), token_id)


def shown(settings: Settings, connection: str, *, unjoined: bool) -> Iterator[str]:
    """A line for each connection that takes SCIM; then, where one is named, a line for each of its users and groups."""
    with store_looked_at(settings) as store:
        for one in scim_told.standing(store, settings, system_clock.utc_now):
            yield _summary(one)
        joining = scim_told.joining_of(settings, _known(settings, connection)) if connection else None
        if joining is None:
            return
        for skipped in range(0, _MOST_SHOWN, _PAGE):
            users = scim_told.users_told(store, joining, unjoined=unjoined, skipped=skipped, most=_PAGE)
            yield from (printable(_user_line(one)) for one in users)
            if len(users) < _PAGE:
                break
        for skipped in range(0, 0 if unjoined else _MOST_SHOWN, _PAGE):
            groups = scim_told.groups_told(store, joining, skipped=skipped, most=_PAGE)
            yield from (printable(f"group  {one.display_name}  {one.external_id or '-'}") for one in groups)
            if len(groups) < _PAGE:
                break


def _summary(one: scim_told.ConnectionTold) -> str:
    last = (
        "never called" if one.last_contact_at is None else f"called {one.last_contact_at.isoformat(timespec='minutes')}"
    )
    quiet = ", quiet for long" if one.is_quiet else ""
    told = f"{one.users} users ({one.disabled} disabled, {one.unjoined} not joined), {one.groups} groups"
    return f"{one.connection}: {last}{quiet}; {told}; {one.tokens} tokens"


def _user_line(one: scim_told.UserTold) -> str:
    state = "active" if one.user.is_active else "disabled"
    return f"user  {one.user.user_name}  {state}  {one.person or 'not joined'}"


def _known(settings: Settings, connection: str) -> str:
    if connection not in settings.connections:
        hint = did_you_mean(connection, set(settings.connections))
        raise ConfigurationInvalid(f"no connection is called {connection!r}{hint}")
    return connection
