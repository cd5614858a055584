"""Asks python3-saml about a message that has passed all our rooms. It may only ever say no.

It shares the parser with us, and nothing of signature code and semantics. A disagreement, also about who it is and
what is said of them, refuses the sign-in under a name of its own, because one of the two has then been fooled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onelogin.saml2.errors import OneLogin_Saml2_ValidationError
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from federation_bridge.connectors.saml.assertion import Assertion
from federation_bridge.connectors.saml.meaning import Expectation
from federation_bridge.connectors.saml.stock import at, request_data
from federation_bridge.errors import OpinionsDiffer, SignInRejected


def agree(form_value: str, assertion: Assertion, expected: Expectation, settings: OneLogin_Saml2_Settings) -> None:
    """Passes if python3-saml accepts the same message and reads the same NameID and attributes from it.

    Raises OpinionsDiffer with what it said; a plain SignInRejected where the message only breaks SAML's XML schema:
    that tells nothing of who signed what, and anybody can bring it about in the parts that nobody signs.
    """
    try:
        with at(expected.now):
            response = OneLogin_Saml2_Response(settings, form_value)
            response.is_valid(request_data(expected.acs_url), expected.request_id, raise_exceptions=True)
            name_id, attributes = response.get_nameid(), _flat(response.get_attributes())
    except Exception as problem:
        if getattr(problem, "code", None) == OneLogin_Saml2_ValidationError.INVALID_XML_FORMAT:
            raise SignInRejected(f"shape: not what SAML's XML schema allows: {str(problem)[:200]}") from None
        raise OpinionsDiffer(f"second opinion: {type(problem).__name__}: {str(problem)[:300]}") from None
    if name_id != (assertion.name_id.text if assertion.name_id else None):
        raise OpinionsDiffer("second opinion: reads another NameID")
    if attributes != _as_told_there(assertion.attributes):
        raise OpinionsDiffer("second opinion: reads other attributes")


def _flat(attributes: Mapping[str, list[Any]]) -> dict[str, list[str]]:
    """Its attributes with a NameID as value (eduPersonTargetedID) as that one's text."""
    return {
        name: [value["NameID"]["value"] if isinstance(value, dict) else value for value in values]
        for name, values in attributes.items()
    }


def _as_told_there(attributes: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    # It trims values and leaves out blank ones; we do neither.
    return {name: [value.strip() for value in values if value.strip()] for name, values in attributes.items()}
