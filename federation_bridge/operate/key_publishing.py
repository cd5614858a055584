"""`aws publish-keys` for a terminal: what each account has to learn of our keys, and how it learns."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass

from federation_bridge import system_clock
from federation_bridge.administration import provider_keys
from federation_bridge.administration.account_plans import chosen
from federation_bridge.administration.provider_keys import Publishing, Standing
from federation_bridge.aws.provider_updating import SamlProviders
from federation_bridge.model import Account
from federation_bridge.operate.account_checking import check_role_name
from federation_bridge.operate.opening import looking_at, store_of
from federation_bridge.settings import Settings
from federation_bridge.shown_text import shown


@dataclass(frozen=True, slots=True)
class Line:
    """One line of what is told."""

    text: str
    is_open: bool = False
    """Whether something is to do, or not known."""
    is_note: bool = False


def published(
    settings: Settings, ids: tuple[str, ...], role_name: str, *, write: bool, as_json: bool
) -> Iterator[Line]:
    """How each of these accounts stands, one after the other; `write`: each learns our keys where it has to.

    ConfigurationInvalid for an unknown account, or a name that no role can have.
    """
    check_role_name(role_name)
    providers = SamlProviders(settings.aws, settings.outgoing, system_clock.utc_now, role_name)
    # The register is read through parts that write nothing: a draft of the rules does not come into force by this.
    with store_of(settings) if write else nullcontext() as store, looking_at(settings) as parts:
        accounts = chosen(parts.rulebook.in_force.register.accounts, ids)
        yield from _of_others(accounts, settings.issuer)
        retired = provider_keys.retired_keys(parts.store)
        publishing = Publishing(settings, parts.keys, providers.reach, system_clock.utc_now, time.sleep, retired)
        for account in (one for one in accounts if one.road == "saml"):
            found = (
                provider_keys.standing(publishing, account)
                if store is None
                else provider_keys.publish(publishing, store, account)
            )
            yield Line(json.dumps(asdict(found)) if as_json else _line_of(found), is_open=found.state != "current")


def _of_others(accounts: list[Account], issuer: str) -> Iterator[Line]:
    others = sum(one.road != "saml" for one in accounts)
    if others:
        which = "1 account has an OIDC provider" if others == 1 else f"{others} accounts have an OIDC provider"
        yield Line(f"note: {which}: AWS fetches our keys from {issuer}, and nothing is to do there", is_note=True)


def _line_of(found: Standing) -> str:
    state = f"{found.state}, updated just now" if found.is_updated and found.state == "current" else found.state
    # What stands in an account was written by others, and must not steer the terminal.
    return shown(": ".join(one for one in (found.account, state, found.told) if one), "?")
