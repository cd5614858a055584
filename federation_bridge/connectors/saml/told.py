"""What a Response says of itself, for whoever looks why a sign-in failed. Nothing is decided by it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from federation_bridge.connectors.saml.assertion import Assertion, Confirmation, Envelope
from federation_bridge.model import Received

_OF_THE_RESPONSE = ("Response Issuer", "Response IssueInstant", "Destination", "InResponseTo")


def told_by(envelope: Envelope, assertion: Assertion | None) -> Received:
    """What these say; `assertion` None: no signature was verified, so nothing is told of the person."""
    said = {
        "Response Issuer": _texts([envelope.issuer]),
        "Response IssueInstant": _texts([envelope.issued_at]),
        "Destination": _texts([envelope.destination]),
        "InResponseTo": _texts([envelope.in_response_to]),
    }
    if assertion is None:
        return Received(_said(said), _OF_THE_RESPONSE)
    unsigned = () if envelope.is_signed else _OF_THE_RESPONSE
    name_id = assertion.name_id
    return Received(
        said=_said(said | _of_assertion(assertion)),
        unsigned=unsigned,
        subject="" if name_id is None else name_id.text,
        attributes=assertion.attributes,
    )


def _of_assertion(assertion: Assertion) -> dict[str, tuple[str, ...]]:
    conditions, name_id = assertion.conditions, assertion.name_id
    audiences = () if conditions is None else (one for each in conditions.audiences for one in each)
    return {
        "Issuer": (assertion.issuer,),
        "IssueInstant": _texts([assertion.issued_at]),
        "NameID Format": _texts([None if name_id is None else name_id.format]),
        "Audience": tuple(audiences),
        "NotBefore": _texts([None if conditions is None else conditions.not_before]),
        "NotOnOrAfter": _texts([None if conditions is None else conditions.not_on_or_after]),
        "Recipient": _texts(one.recipient for one in assertion.confirmations),
        "SubjectConfirmation NotOnOrAfter": _texts(_ends(assertion.confirmations)),
        "AuthnInstant": _texts(one.authenticated_at for one in assertion.authn),
        "SessionNotOnOrAfter": _texts(one.session_ends_at for one in assertion.authn),
        "AuthnContextClassRef": _texts(one.context_class for one in assertion.authn),
    }


def _ends(confirmations: Iterable[Confirmation]) -> Iterable[datetime | None]:
    return (one.not_on_or_after for one in confirmations)


def _texts(values: Iterable[str | datetime | None]) -> tuple[str, ...]:
    return tuple([one.isoformat() if isinstance(one, datetime) else one for one in values if one is not None])


def _said(values: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {name: found for name, found in values.items() if found}
