"""The statement for a SAML provider: a Response with one signed Assertion, for one person in one role (SAML core 2, 3).

Every value is a text node or an attribute set through the tree, never part of a template. Before the signature the
canonical bytes are read back and compared with the grant, and exactly those bytes are signed (attack J05).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from lxml import etree

from federation_bridge.aws.lifetimes import session_not_on_or_after
from federation_bridge.aws.partitions import PARTITIONS, Partition, sign_in_of
from federation_bridge.aws.session_names import source_identity
from federation_bridge.aws.statement import LIFE, Statement, check_length, check_terms
from federation_bridge.aws_limits import LONGEST_ASSERTION
from federation_bridge.errors import OutsideAwsLimits
from federation_bridge.model import Grant
from federation_bridge.signing import SigningKey
from federation_bridge.signing.xml_signature import canonical, enveloped_signature

_SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
_SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
_NAMESPACES = {"saml": _SAML}
_PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
_UNSPECIFIED = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"
_AWS = "https://aws.amazon.com/SAML/Attributes/"
_BACKDATED = timedelta(seconds=60)

Attributes = tuple[tuple[str, tuple[str, ...]], ...]
"""Attribute names with their values, in order."""


def build(grant: Grant, *, key: SigningKey, issuer_entity_id: str, now: datetime) -> Statement:
    """The signed Response for this grant, base64.

    Raises:
        OutsideAwsLimits: the grant's terms are outside AWS's limits, or did not read back as they were decided.
    """
    check_terms(grant)
    now = now.astimezone(UTC).replace(microsecond=0)
    partition = PARTITIONS[grant.account.partition]
    recipient = sign_in_of(grant.account)[0].saml_acs
    assertion = _assertion(grant, partition, issuer_entity_id, now)
    signed_bytes = canonical(assertion)
    _compare(signed_bytes, grant, issuer_entity_id)
    assertion.insert(1, enveloped_signature(signed_bytes, grant.id, key))
    response = _response(grant.id, recipient, issuer_entity_id, now)
    response.append(assertion)
    text = base64.b64encode(etree.tostring(response, encoding="UTF-8")).decode()
    check_length("assertion", text, LONGEST_ASSERTION, grant)
    return Statement(text, grant.id, now + LIFE)


def attributes_of(grant: Grant) -> Attributes:
    """What the assertion says to AWS about this grant (IAM: SAML assertions for the authentication response)."""
    pair = f"{grant.role_arn},{grant.account.provider_arn}"
    fixed: list[tuple[str, tuple[str, ...]]] = [
        (f"{_AWS}Role", (pair,)),
        (f"{_AWS}RoleSessionName", (grant.session_name,)),
        (f"{_AWS}SessionDuration", (str(int(grant.duration.total_seconds())),)),
        (f"{_AWS}SourceIdentity", (grant.source_identity,)),
    ]
    tags = [(f"{_AWS}PrincipalTag:{name}", (value,)) for name, value in sorted(grant.tags.items())]
    transitive = [(f"{_AWS}TransitiveTagKeys", tuple(sorted(grant.transitive_tags)))] if grant.transitive_tags else []
    return (*fixed, *tags, *transitive)


def _assertion(grant: Grant, partition: Partition, issuer: str, now: datetime) -> etree._Element:
    assertion = etree.Element(f"{{{_SAML}}}Assertion", nsmap=_NAMESPACES)
    assertion.attrib.update({"ID": grant.id, "Version": "2.0", "IssueInstant": _instant(now)})
    _add(assertion, "Issuer").text = issuer
    _add_subject(assertion, grant, now)
    _add_conditions(assertion, partition, now)
    _add_authn_statement(assertion, grant, now)
    statement = _add(assertion, "AttributeStatement")
    for name, values in attributes_of(grant):
        attribute = _add(statement, "Attribute", Name=name)
        for value in values:
            _add(attribute, "AttributeValue").text = value
    return assertion


def _add_subject(assertion: etree._Element, grant: Grant, now: datetime) -> None:
    subject = _add(assertion, "Subject")
    _add(subject, "NameID", Format=_PERSISTENT).text = source_identity(grant.person)
    confirmation = _add(subject, "SubjectConfirmation", Method=_BEARER)
    recipient = sign_in_of(grant.account)[0].saml_acs
    _add(confirmation, "SubjectConfirmationData", NotOnOrAfter=_instant(now + LIFE), Recipient=recipient)


def _add_conditions(assertion: etree._Element, partition: Partition, now: datetime) -> None:
    conditions = _add(assertion, "Conditions", NotBefore=_instant(now - _BACKDATED), NotOnOrAfter=_instant(now + LIFE))
    _add(_add(conditions, "AudienceRestriction"), "Audience").text = partition.saml_audience


def _add_authn_statement(assertion: etree._Element, grant: Grant, now: datetime) -> None:
    # Without SessionNotOnOrAfter the holder of the form could ask STS for more than was granted (STS: DurationSeconds).
    statement = _add(
        assertion,
        "AuthnStatement",
        AuthnInstant=_instant(now),
        SessionIndex=grant.id,
        SessionNotOnOrAfter=_instant(session_not_on_or_after(grant)),
    )
    _add(_add(statement, "AuthnContext"), "AuthnContextClassRef").text = _UNSPECIFIED


def _response(grant_id: str, recipient: str, issuer: str, now: datetime) -> etree._Element:
    response = etree.Element(f"{{{_SAMLP}}}Response", nsmap={"samlp": _SAMLP, "saml": _SAML})
    response.attrib.update(
        {
            "ID": f"{grant_id}-response",
            "Version": "2.0",
            "IssueInstant": _instant(now),
            "Destination": recipient,
        }
    )
    _add(response, "Issuer").text = issuer
    status = etree.SubElement(response, f"{{{_SAMLP}}}Status")
    etree.SubElement(status, f"{{{_SAMLP}}}StatusCode", {"Value": _SUCCESS})
    return response


def _compare(signed_bytes: bytes, grant: Grant, issuer: str) -> None:
    """Reads the bytes that are about to be signed as AWS will, and refuses where they say anything not decided."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    assertion = etree.fromstring(signed_bytes, parser)
    said = {
        "Issuer": _texts(assertion, "Issuer"),
        "NameID": _texts(assertion, "NameID"),
        "attributes": tuple(
            (str(attribute.get("Name")), tuple(_texts(attribute, "AttributeValue")))
            for attribute in assertion.iter(f"{{{_SAML}}}Attribute")
        ),
    }
    decided = {"Issuer": [issuer], "NameID": [source_identity(grant.person)], "attributes": attributes_of(grant)}
    if said != decided:
        different = ", ".join(name for name in decided if said[name] != decided[name])
        raise OutsideAwsLimits(f"the assertion does not read back as it was decided: {different}")


def _texts(element: etree._Element, name: str) -> Sequence[str]:
    return [found.text or "" for found in element.iter(f"{{{_SAML}}}{name}")]


def _add(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{_SAML}}}{name}", attributes)


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
