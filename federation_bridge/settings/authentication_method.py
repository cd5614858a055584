"""A method of authentication that a connection's identity provider can be asked for, and be held to."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from federation_bridge.settings.values import LONGEST_NAME, Section

_METHOD_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_VALUE = re.compile(r"[!-~]+")
_MOST_METHODS = 8
_MOST_VALUES = 16
NO_SECOND_FACTOR = "none"
"""What `second_factor` says where administration asks for none, whatever the preset names."""


def _checked_value(value: str) -> str:
    # Blanks separate the values of `acr_values` (OpenID Connect Core 3.1.2.1).
    if not _VALUE.fullmatch(value) or len(value) > LONGEST_NAME:
        raise ValueError(f"a value has 1 to {LONGEST_NAME} plain characters and no blank")
    return value


_Values = tuple[Annotated[str, AfterValidator(_checked_value)], ...]


class AuthenticationMethod(Section):
    """What a connection's identity provider calls one method."""

    request: _Values = Field(default=(), max_length=_MOST_VALUES)
    """AuthnContextClassRefs (SAML) or `acr` values (OpenID Connect) that ask for it; empty: it cannot be asked for."""
    accept: _Values = Field(min_length=1, max_length=_MOST_VALUES)
    """What says in an answer that it was used: an AuthnContextClassRef, a value of `acr`, `amr` or `acrs`, or the
    provider's own name of a method. Any one of them is enough."""


def _checked_names(methods: dict[str, AuthenticationMethod]) -> dict[str, AuthenticationMethod]:
    if len(methods) > _MOST_METHODS:
        raise ValueError(f"a connection has {_MOST_METHODS} methods at most")
    for name in methods:
        if not _METHOD_NAME.fullmatch(name) or name == NO_SECOND_FACTOR:
            raise ValueError(f"{name!r} is no name of a method: a-z, 0-9, - and _, beginning with a letter; not none")
    return methods


AuthenticationMethods = Annotated[dict[str, AuthenticationMethod], AfterValidator(_checked_names)]
