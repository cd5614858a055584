"""Who a believed assertion says it is. Pure. What is missing is told as a gap, and a gap never grants."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from federation_bridge.claimed import are_plain, groups_of, is_plain, name_for_people
from federation_bridge.connectors.presets import REASSIGNABLE, SamlPreset
from federation_bridge.connectors.saml.assertion import Assertion, NameId
from federation_bridge.connectors.saml.names import TRANSIENT
from federation_bridge.errors import ConfigurationInvalid, SignInRejected
from federation_bridge.model import Groups, Identity, ProviderSession
from federation_bridge.settings import SamlConnection
from federation_bridge.shown_text import first_hidden

NAME_ID = "NameID"
"""What `subject` (or `email`, `name`) is set to for the NameID itself."""

EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
_LIKE_AN_EMAIL = re.compile(r"[^@]+@[^@]+", re.DOTALL)
_EMAIL = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_LONGEST_SUBJECT, _LONGEST_EMAIL = 256, 254


_MOSTLY_AN_ADDRESS = (
    "the NameID identifies people, and this provider fills it with the primary address unless told otherwise; an"
    " address is refused at sign-in: map an unchanging attribute and set `subject`"
)


def identity_from(assertion: Assertion, connection: str, settings: SamlConnection, preset: SamlPreset) -> Identity:
    """The person of this assertion; SignInRejected where nothing in it identifies a person for good."""
    groups_name = settings.groups or preset.groups
    groups = _groups(assertion, groups_name, preset)
    assertion = _without_unclear(assertion)
    subject = _subject(assertion, settings, preset)
    email = _email(assertion, settings, preset)
    ends = [one.session_ends_at for one in assertion.authn if one.session_ends_at is not None]
    authenticated_at = min(one.authenticated_at for one in assertion.authn)
    if settings.max_session is not None:
        ends.append(assertion.issued_at + settings.max_session)
    return Identity(
        connection=connection,
        subject=subject,
        name=_name(assertion, settings, preset) or email or subject,
        email=email,
        email_is_verified=email is not None and _domain(email) in settings.verified_email_domains,
        groups=groups,
        attributes=_attributes(assertion, groups_name),
        authn_methods=_methods(assertion, preset),
        authenticated_at=authenticated_at,
        session_ends_at=min(ends, default=None),
    )


def provider_session(assertion: Assertion, entity_id: str) -> ProviderSession:
    """By which names the provider would end this: the NameID and the first SessionIndex. `entity_id`: ours."""
    indexes = [one.session_index for one in assertion.authn if one.session_index]
    subject = "" if assertion.name_id is None else name_of(assertion.name_id, assertion.issuer, entity_id)
    return ProviderSession(assertion.issuer, subject, indexes[0] if indexes else "")


def name_of(name_id: NameId, issuer: str, entity_id: str) -> str:
    """What two NameIDs have alike that mean the same person (SAML core 3.3.4): the text, and both qualifiers.

    A qualifier that is left out means the issuer, or us (8.3.7). The Format is not compared: providers leave it out.
    """
    qualifiers = (name_id.name_qualifier or issuer, name_id.sp_name_qualifier or entity_id)
    return json.dumps([name_id.text, *qualifiers])


def _subject(assertion: Assertion, settings: SamlConnection, preset: SamlPreset) -> str:
    source = subject_source(settings, preset)
    if source == NAME_ID:
        subject = _stable(assertion.name_id, preset, may_be_email=settings.subject_kind == "email")
    else:
        values = assertion.attributes.get(source, ())
        if len(values) != 1 or source in assertion.repeated:
            times = "several times" if source in assertion.repeated else "once"
            raise SignInRejected(
                f"identity: {len(values)} values of {source!r}, which came {times} and is to identify the person"
            )
        subject = values[0]
    if len(subject) > _LONGEST_SUBJECT or not is_plain(subject) or subject != subject.strip():
        hidden = first_hidden(subject) or "a blank at an end, or nothing"
        raise SignInRejected(f"identity: the subject is too long, or does not show all that it is: {hidden}")
    return subject


def doubts_about_the_subject(settings: SamlConnection, preset: SamlPreset) -> tuple[str, ...]:
    """What an operator should know of how these settings identify people, in plain words."""
    if settings.subject_kind == "email":
        return ("`subject_kind: email`: whoever is given an address later gets the access of who had it before",)
    if not preset.format_is_true and subject_source(settings, preset) == NAME_ID:
        return (_MOSTLY_AN_ADDRESS,)
    return ()


def subject_source(settings: SamlConnection, preset: SamlPreset) -> str:
    """The attribute that identifies people on this connection, or `NAME_ID`."""
    return settings.subject or preset.subject or NAME_ID


def _stable(name_id: NameId | None, preset: SamlPreset, *, may_be_email: bool) -> str:
    if name_id is None:
        raise SignInRejected("identity: no NameID; name an attribute as `subject`")
    if name_id.format == TRANSIENT and preset.format_is_true:
        raise SignInRejected("identity: a transient NameID is another one at each sign-in; name an attribute")
    says_so = preset.format_is_true and name_id.format == EMAIL_FORMAT
    if not may_be_email and (says_so or _LIKE_AN_EMAIL.fullmatch(name_id.text)):
        raise SignInRejected(
            "identity: the NameID is an e-mail address, which can pass to another person; name a lasting attribute as"
            " `subject`, or set `subject_kind: email` if that is meant"
        )
    return name_id.text


def _without_unclear(assertion: Assertion) -> Assertion:
    """The assertion without attributes of which it is not clear which one a setting or rule means."""
    kept = {name: values for name, values in assertion.attributes.items() if name not in assertion.unclear}
    return replace(assertion, attributes=kept)


def _groups(assertion: Assertion, name: str, preset: SamlPreset) -> Groups:
    """The groups, why they are not all there, and why single ones were left out."""
    if preset.groups_link is not None and preset.groups_link in assertion.attributes:
        return Groups(gap="the identity provider left the groups out because they are too many (overage)")
    values = assertion.attributes.get(name)
    if values is None:
        return Groups(gap=f"the assertion has no attribute {name!r}")
    if name in assertion.unclear:
        return Groups(gap=f"the attribute {name!r} comes in several NameFormats")
    groups = groups_of(values, f"the attribute {name!r}")
    if preset.most_groups is not None and sum(map(bool, values)) >= preset.most_groups:
        most = preset.most_groups
        return replace(groups, gap=f"the identity provider sends {most} groups at most; some may be missing")
    return groups


def _attributes(assertion: Assertion, groups: str) -> dict[str, tuple[str, ...]]:
    """Every other attribute, without its empty values; one that holds what is not plain is not offered at all."""
    offered = {
        name: tuple(value for value in values if value)
        for name, values in assertion.attributes.items()
        if name != groups and is_plain(name)
    }
    return {name: values for name, values in offered.items() if values and are_plain(values)}


def _once(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _email(assertion: Assertion, settings: SamlConnection, preset: SamlPreset) -> str | None:
    sources = (settings.email,) if settings.email else preset.email
    found = _first(assertion, sources)
    name_id = assertion.name_id
    if found is None and settings.email is None and name_id is not None and _is_address(name_id, preset):
        found = name_id.text
    return found if found is not None and len(found) <= _LONGEST_EMAIL and _EMAIL.fullmatch(found) else None


def _is_address(name_id: NameId, preset: SamlPreset) -> bool:
    return name_id.format == EMAIL_FORMAT or not preset.format_is_true


def _domain(email: str) -> str:
    return email.rpartition("@")[2].lower()


def _name(assertion: Assertion, settings: SamlConnection, preset: SamlPreset) -> str:
    found = _first(assertion, (settings.name,) if settings.name else preset.name) or ""
    return name_for_people(found)


def _first(assertion: Assertion, sources: tuple[str, ...]) -> str | None:
    """The one value of the first of these attributes that came once, with exactly one."""
    for source in sources:
        if source == NAME_ID and assertion.name_id is not None:
            return assertion.name_id.text
        values = assertion.attributes.get(source, ())
        if len(values) == 1 and source not in assertion.repeated:
            return values[0]
    return None


def _methods(assertion: Assertion, preset: SamlPreset) -> tuple[str, ...]:
    contexts = tuple(one.context_class for one in assertion.authn if one.context_class)
    named = assertion.attributes.get(preset.methods, ()) if preset.methods else ()
    return _once(tuple(method for method in (*contexts, *named) if is_plain(method)))


def check_subject(connection: str, settings: SamlConnection, preset: SamlPreset) -> None:
    """Refuses settings that make an e-mail address the lasting subject without saying so (attack F13)."""
    if settings.subject_kind == "email":
        return
    source = subject_source(settings, preset)
    if source in REASSIGNABLE | {settings.email, *preset.email}:
        raise ConfigurationInvalid(
            f"connections.{connection}.subject: {source!r} can pass to another person; name a lasting attribute, or set"
            " `subject_kind: email` if that is meant"
        )
    if source == NAME_ID and settings.name_id_format == EMAIL_FORMAT:
        raise ConfigurationInvalid(
            f"connections.{connection}.name_id_format: asks for an e-mail address, and the NameID identifies people;"
            " name a lasting attribute as `subject`, or set `subject_kind: email` if that is meant"
        )
