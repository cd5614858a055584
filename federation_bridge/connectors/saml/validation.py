"""The fourth stage: whether what was read is meant for us, now, and as the answer to what this browser was sent for.

The rules are SAML profiles 4.1.4.3 where they are strict enough, and stricter where they leave room: exact strings
for audience, recipient and destination, a solicited answer unless the connection allows otherwise, and an acceptance
that ends ten minutes after IssueInstant whatever the message's own window says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from federation_bridge.connectors.freshness import Demand, ahead_of_us, check_authentication
from federation_bridge.connectors.saml.assertion import Assertion, Conditions, Confirmation, Envelope, NameId, Proxying
from federation_bridge.connectors.saml.names import BEARER
from federation_bridge.connectors.saml.policy import Policy
from federation_bridge.errors import SignInRejected
from federation_bridge.shown_text import quoted
from federation_bridge.sign_in_checks import check
from federation_bridge.spelling import difference


@dataclass(frozen=True, slots=True)
class Expectation:
    """What we expect of an answer, from our own settings and the sign-in that is pending; never from the message."""

    entity_id: str
    """Ours: the audience."""
    acs_url: str
    """Ours, for this one connection: recipient and destination."""
    idp_entity_id: str
    request_id: str | None
    """None: nothing is pending, the answer is unsolicited."""
    now: datetime
    skew: timedelta = timedelta(seconds=60)
    """How far the identity provider's clock may run ahead of ours."""
    authentication: Demand | None = None
    """What was asked about the time of authentication; None: nothing but that it is possible."""
    forbids_proxying: bool = True
    """Whether a ProxyRestriction is held against us: what we say to AWS rests on this assertion."""


def acceptance_ends(assertion: Assertion, envelope: Envelope, expected: Expectation, policy: Policy) -> datetime:
    """The instant until which this message could be accepted (again); SignInRejected if it must not be now."""
    _check_envelope(envelope, expected)
    latest = expected.now + policy.longest_ahead
    _check_issue(assertion, envelope, expected, latest)
    with check("NameID"):
        _check_subject(assertion, expected)
    ends = [
        assertion.issued_at + policy.longest_acceptance,
        _check_conditions(assertion, expected),
        _confirmation_ends(assertion, expected),
    ]
    with check("AuthnStatement"):
        _check_authn(assertion, expected, policy)
    end = min(ends)
    with check("NotOnOrAfter"):
        _check_age(assertion, end, expected)
    return end


def _check_age(assertion: Assertion, end: datetime, expected: Expectation) -> None:
    if expected.now >= end:
        raise SignInRejected(
            f"validation: too old: issued at {assertion.issued_at.isoformat()}, it was acceptable until"
            f" {end.isoformat()}, and here it is {expected.now.isoformat()}"
        )


def _check_envelope(envelope: Envelope, expected: Expectation) -> None:
    with check("Response Issuer"):
        _check_response_issuer(envelope, expected)
    with check("Destination"):
        _check_destination(envelope, expected)
    with check("InResponseTo"):
        if envelope.in_response_to != expected.request_id:
            raise SignInRejected(_other("the Response's InResponseTo", envelope.in_response_to, expected.request_id))


def _check_response_issuer(envelope: Envelope, expected: Expectation) -> None:
    if envelope.issuer is not None and envelope.issuer != expected.idp_entity_id:
        raise SignInRejected(_other("the Response's Issuer", envelope.issuer, expected.idp_entity_id))
    if envelope.issuer is None and (envelope.is_signed or envelope.is_around_ciphertext):
        raise SignInRejected("validation: a Response that is signed, or holds ciphertext, without Issuer")


def _check_destination(envelope: Envelope, expected: Expectation) -> None:
    if envelope.destination is None and envelope.is_signed:
        raise SignInRejected("validation: a signed Response without Destination")
    if envelope.destination is not None and envelope.destination != expected.acs_url:
        raise SignInRejected(_other("the Response's Destination", envelope.destination, expected.acs_url))


def _check_issue(assertion: Assertion, envelope: Envelope, expected: Expectation, latest: datetime) -> None:
    with check("Issuer"):
        if assertion.issuer != expected.idp_entity_id:
            raise SignInRejected(_other("the assertion's Issuer", assertion.issuer, expected.idp_entity_id))
    with check("IssueInstant"):
        for what, issued_at in (("assertion", assertion.issued_at), ("Response", envelope.issued_at)):
            if issued_at > latest:
                told = ahead_of_us(f"IssueInstant of the {what}", issued_at, expected.now, latest - expected.now)
                raise SignInRejected(f"validation: {told}")


def _other(what: str, found: str | None, wanted: str | None) -> str:
    how = difference(wanted or "", found or "")
    return f"validation: {what} is {quoted(found)}, and {quoted(wanted)} is expected" + (
        f": they differ {how}" if how else ""
    )


def _check_subject(assertion: Assertion, expected: Expectation) -> None:
    name_id = assertion.name_id
    if name_id is None:
        raise SignInRejected("validation: no NameID")
    if not name_id.text.strip():
        raise SignInRejected("validation: a blank NameID")
    for one in (name_id, *assertion.name_ids_as_values):
        _check_qualifiers(one, expected)


def _check_qualifiers(name_id: NameId, expected: Expectation) -> None:
    """A name is one only together with its qualifiers (SAML core 2.2.2): the same text in the domain of another
    provider, or for another service, is another person. Absent means the issuer's own, for us (8.3.7).
    """
    if name_id.sp_name_qualifier not in (None, "", expected.entity_id):
        raise SignInRejected(
            f"validation: a NameID is qualified for another service provider: SPNameQualifier is"
            f" {quoted(name_id.sp_name_qualifier)}, and we are {quoted(expected.entity_id)}"
        )
    if name_id.name_qualifier not in (None, "", expected.idp_entity_id):
        raise SignInRejected(
            f"validation: a NameID of another domain: NameQualifier is {quoted(name_id.name_qualifier)}, and the issuer"
            f" is {quoted(expected.idp_entity_id)}"
        )


def _check_conditions(assertion: Assertion, expected: Expectation) -> datetime:
    conditions = assertion.conditions
    with check("Conditions"):
        if conditions is None or conditions.not_on_or_after is None:
            raise SignInRejected("validation: no Conditions with NotOnOrAfter, which must say until when it holds")
    with check("AudienceRestriction"):
        _check_audience(conditions, expected)
    with check("ProxyRestriction"):
        if expected.forbids_proxying and conditions.proxying is not None:
            _check_proxying(conditions.proxying)
    with check("NotBefore"):
        _check_begun(conditions.not_before, expected, "Conditions")
    return conditions.not_on_or_after


def _check_audience(conditions: Conditions, expected: Expectation) -> None:
    if not conditions.audiences or any(expected.entity_id not in audiences for audiences in conditions.audiences):
        named = " and ".join(
            " or ".join(quoted(audience) for audience in audiences[:4]) for audiences in conditions.audiences[:4]
        )
        told = f"validation: the audience is {named or 'nobody'}, and we are {quoted(expected.entity_id)}"
        hows = (difference(expected.entity_id, one) for audiences in conditions.audiences[:4] for one in audiences[:4])
        how = next((one for one in hows if one), "")
        raise SignInRejected(f"{told}: they differ {how}" if how else told)


def _check_proxying(proxying: Proxying) -> None:
    if proxying.count == 0:
        raise SignInRejected("validation: ProxyRestriction forbids to pass this assertion on")
    # What we say to AWS is such a new assertion. To which of its partitions is decided at each grant, long after this.
    if proxying.audiences:
        told = " or ".join(quoted(audience) for audience in proxying.audiences[:4])
        raise SignInRejected(f"validation: ProxyRestriction lets it be passed on to {told} alone")


def _check_begun(not_before: datetime | None, expected: Expectation, where: str) -> None:
    if not_before is not None and not_before > expected.now + expected.skew:
        told = ahead_of_us(f"NotBefore of {where}", not_before, expected.now, expected.skew)
        raise SignInRejected(f"validation: {told}")


def _confirmation_ends(assertion: Assertion, expected: Expectation) -> datetime:
    with check("SubjectConfirmation"):
        return _check_confirmation(assertion, expected)


def _check_confirmation(assertion: Assertion, expected: Expectation) -> datetime:
    """The end of the one bearer confirmation that passes every check by itself; they are never put together."""
    reasons = []
    for confirmation in assertion.confirmations:
        reason = _objection(confirmation, expected)
        if reason is None and confirmation.not_on_or_after is not None:
            return confirmation.not_on_or_after
        reasons.append(reason)
    told = "; ".join(str(reason) for reason in reasons) or "there is none"
    raise SignInRejected(f"validation: no SubjectConfirmation that holds: {told}"[:1000])


def _objection(confirmation: Confirmation, expected: Expectation) -> str | None:
    """Why this confirmation does not hold, or None; words are made only where something is objected to."""
    if confirmation.method != BEARER:
        return f"method {quoted(confirmation.method, 80)}, where bearer is expected"
    if not confirmation.has_data:
        return "no data"
    if confirmation.recipient != expected.acs_url:
        return f"Recipient {quoted(confirmation.recipient)}, where {quoted(expected.acs_url)} is expected"
    if confirmation.in_response_to != expected.request_id:
        return f"InResponseTo {quoted(confirmation.in_response_to)}, where {quoted(expected.request_id)} is expected"
    if confirmation.not_before is not None:
        return "NotBefore, which a bearer confirmation must not have"
    return _objection_to_end(confirmation.not_on_or_after, expected.now)


def _objection_to_end(ends: datetime | None, now: datetime) -> str | None:
    if ends is None:
        return "no NotOnOrAfter"
    return f"ended at {ends.isoformat()}, and here it is {now.isoformat()}" if now >= ends else None


def _possible(expected: Expectation) -> Demand:
    return Demand(expected.now, expected.skew, is_anew=False, left_at=None)


def _check_authn(assertion: Assertion, expected: Expectation, policy: Policy) -> None:
    if len(assertion.authn) != 1:
        raise SignInRejected(f"validation: {len(assertion.authn)} AuthnStatements, where one says how it was proven")
    asked = expected.authentication or _possible(expected)
    demand = replace(asked, ahead=policy.longest_ahead, longest_session=policy.longest_session)
    for statement in assertion.authn:
        check_authentication(statement.authenticated_at, demand)
        if statement.session_ends_at is not None and statement.session_ends_at <= expected.now:
            raise SignInRejected(
                f"validation: the identity provider's session has ended at {statement.session_ends_at.isoformat()}"
                f" (SessionNotOnOrAfter), and here it is {expected.now.isoformat()}"
            )
