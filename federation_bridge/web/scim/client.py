"""Who asks: the SCIM client of the connection that stands in the address, by its bearer token and by nothing else."""

from __future__ import annotations

import re
from datetime import timedelta

from flask import g, request

from federation_bridge.administration.scim_tokens import token_of
from federation_bridge.errors import NotFound, ProgramBusy, ScimUnauthenticated
from federation_bridge.model import ScimToken
from federation_bridge.provisioning.client import Client, Parts
from federation_bridge.provisioning.joining import Joining
from federation_bridge.redaction import quoted
from federation_bridge.store.rate_limits import Limit
from federation_bridge.web import wrong_tokens
from federation_bridge.web.door import door, request_origin
from federation_bridge.web.guards import Leading

_IDS, _ID = ("user_id", "group_id"), re.compile("[0-9a-f]{1,64}")
_WITHIN = timedelta(minutes=1)
_MOST_REQUESTS = 6_000
"""Of one connection: Entra ID wants 25 a second, and a first filling comes at once."""


def scim_client(_: Leading) -> None:
    """The guard of every route: a live token of this very connection. NotFound where it has nothing to do with SCIM."""
    view_args = request.view_args or {}
    name = str(view_args.get("connection", ""))
    settings = door().settings.connections.get(name)
    joining = None if settings is None else Joining.of(name, settings)
    if joining is None:
        raise NotFound(f"no connection {quoted(name)} takes SCIM")
    token = _token(name)
    _take(Limit("scim of connection", name, _MOST_REQUESTS, _WITHIN), "the connection asks too often")
    door().store.scim_tokens.used(token)
    if not all(_ID.fullmatch(str(view_args[one])) for one in _IDS if one in view_args):
        # Not asked for in the database: PostgreSQL takes no zero byte.
        raise NotFound("an id that is none of ours")
    g.scim_client = Client(joining, token.id, request_origin())


def _token(connection: str) -> ScimToken:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    found = token_of(door().store, connection, secret.strip()) if scheme.lower() == "bearer" else None
    if found is None:
        wrong_tokens.count("scim token")
        raise ScimUnauthenticated("no SCIM token of this connection" if secret else "no SCIM token")
    return found


def _take(limit: Limit, what: str) -> None:
    if door().store.rate_limits.take([limit]) is not None:
        raise ProgramBusy(what)


def asking() -> Client:
    """The client whose request this is; TypeError behind another guard."""
    found = g.get("scim_client")
    if not isinstance(found, Client):
        raise TypeError("the route has no guard for SCIM clients")
    return found


def parts() -> Parts:
    """What the verbs work with."""
    here = door()
    rules = here.rulebook.current() if asking().joining.scim.lost_groups_end_aws else None
    return Parts(here.store, here.endings, here.clock, here.randomness, rules)
