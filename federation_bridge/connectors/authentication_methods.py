"""Methods of authentication by name: how a connection's provider is asked for one, and what it says where it was used.

Names are what rules say (`authentication_method: mfa`). What a provider honours differs, and none is believed to have
done what it was asked (SAML core 3.3.2.2.1, OpenID Connect Core 3.1.2.1): the answer has to say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from federation_bridge.connectors.presets import OIDC_PRESETS, SAML_PRESETS, PresetMethod
from federation_bridge.errors import ConfigurationInvalid, NotAuthenticatedAsAsked
from federation_bridge.model import Identity
from federation_bridge.settings import NO_SECOND_FACTOR, Connection, SamlConnection
from federation_bridge.shown_text import quoted

_USUAL_SECOND_FACTOR = "mfa"


@dataclass(frozen=True, slots=True)
class AuthenticationMethods:
    """The methods of one connection: those of its settings, then those of its preset."""

    methods: Mapping[str, PresetMethod]
    second_factor: str
    """The method that administration asks for; empty: none."""

    @classmethod
    def of(cls, name: str, connection: Connection) -> Self:
        """Those of the connection called `name`; ConfigurationInvalid where `second_factor` is none of them."""
        if isinstance(connection, SamlConnection):
            preset = SAML_PRESETS[connection.preset].authentication_methods
        else:
            preset = OIDC_PRESETS[connection.preset].authentication_methods
        chosen = {
            method: PresetMethod(told.accept, told.request)
            for method, told in connection.authentication_methods.items()
        }
        methods = {**preset, **chosen}
        wanted = connection.second_factor
        if wanted is None:
            return cls(methods, _USUAL_SECOND_FACTOR if _USUAL_SECOND_FACTOR in preset else "")
        if wanted != NO_SECOND_FACTOR and wanted not in methods:
            known = ", ".join(sorted(methods)) or "none is known"
            raise ConfigurationInvalid(
                f"connections.{name}.second_factor: {quoted(wanted, 40)} is no method of `authentication_methods`"
                f" ({known}); `{NO_SECOND_FACTOR}` asks for none"
            )
        return cls(methods, "" if wanted == NO_SECOND_FACTOR else wanted)

    def known(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of these names that are methods of the connection: a sign-in can be held to them."""
        return tuple(name for name in dict.fromkeys(names) if name in self.methods)

    def requested(self, names: Iterable[str]) -> tuple[str, ...]:
        """The values that ask for one of these methods, the preferred first; empty where none can be asked for."""
        return tuple(dict.fromkeys(value for name in self.known(names) for value in self.methods[name].request))

    def stated(self, identity: Identity) -> Identity:
        """The identity with the names of the methods that it states.

        What the provider states under the name of a method of ours is none: the method is what `accept` says.
        """
        said = identity.authn_methods
        named = tuple(name for name, method in self.methods.items() if not set(method.accept).isdisjoint(said))
        others = tuple(one for one in said if one not in self.methods)
        return replace(identity, authn_methods=(*others, *named))


def demand_one_of(wanted: tuple[str, ...], identity: Identity) -> None:
    """Passes where the identity states one of the methods that were asked for; NotAuthenticatedAsAsked."""
    if set(wanted).isdisjoint(identity.authn_methods):
        stated = ", ".join(quoted(one, 80) for one in identity.authn_methods[:8]) or "none"
        raise NotAuthenticatedAsAsked(
            f"authentication: asked for by {' or '.join(wanted)}, and the answer states these methods: {stated}"
        )
