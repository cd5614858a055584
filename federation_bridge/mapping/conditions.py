"""The conditions on one fact. Each is a small frozen class that says yes or no, and why.

A new condition is one class here and one line in the table of `language.py`; it then has its file format, its schema,
its place in the index and its sentences. `combinations.py` holds all, any and not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from federation_bridge.mapping.condition import Anchor, Condition
from federation_bridge.mapping.document import Node, fields, refuse, text, texts
from federation_bridge.mapping.verdicts import Facts, Verdict, no, no_attribute, unknown, yes
from federation_bridge.model import Identity
from federation_bridge.sentence import Sentence

_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII)
_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}

_ONE_OR_MORE: Mapping[str, Any] = {
    "anyOf": [_TEXT, {"type": "array", "minItems": 1, "uniqueItems": True, "items": _TEXT}]
}


def anchors_of(identity: Identity) -> frozenset[Anchor]:
    """The facts of this identity by which rules are found, prefixes aside."""
    found: set[Anchor] = {("group", group) for group in identity.groups.names}
    found.add(("person", identity.subject))
    found.update(("method", method) for method in identity.authn_methods)
    found.update(("attribute", name, value) for name, values in identity.attributes.items() for value in values)
    domain = _verified_domain(identity)
    if domain is not None:
        found.add(("email_domain", domain))
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class HasAttribute(Condition):
    """The identity provider states this attribute with one of these values."""

    name: ClassVar[str] = "attribute"
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {"name": _TEXT, "equals": _TEXT, "one_of": _ONE_OR_MORE},
        "oneOf": [{"required": ["equals"]}, {"required": ["one_of"]}],
    }
    attribute: str
    values: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, _inner: Callable[[Node], Condition], /) -> Self:
        """Reads `attribute: {name: N, equals: V}` or `{name: N, one_of: [V, W]}`."""
        entry = fields(node, "an attribute", ("name", "equals", "one_of"), ("name",))
        if ("equals" in entry) == ("one_of" in entry):
            refuse(node, "an attribute needs either `equals` or `one_of`")
        wanted = (text(entry["equals"], "`equals`"),) if "equals" in entry else texts(entry["one_of"], "`one_of`")
        return cls(text(entry["name"], "an attribute's name"), wanted)

    def check(self, facts: Facts) -> Verdict:
        """Unknown where the attribute was not sent at all: silence proves nothing."""
        stated = facts.identity.attributes.get(self.attribute, ())
        if not stated:
            return unknown(no_attribute(self.attribute))
        for value in self.values:
            if value in stated:
                return yes(
                    Sentence("your attribute %(name)s is %(value)s", name=repr(self.attribute), value=repr(value))
                )
        wanted = _either(self.values)
        return no(Sentence("your attribute %(name)s is not %(value)s", name=repr(self.attribute), value=wanted))

    def anchors(self) -> frozenset[Anchor]:
        """The attribute with each value."""
        return frozenset(("attribute", self.attribute, value) for value in self.values)


@dataclass(frozen=True, slots=True)
class IsPerson(Condition):
    """It is this very person, by the subject that their connection never gives to anybody else."""

    name: ClassVar[str] = "person"
    schema: ClassVar[Mapping[str, Any]] = _ONE_OR_MORE
    subjects: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, _inner: Callable[[Node], Condition], /) -> Self:
        """Reads `person: SUBJECT` or a list of them."""
        return cls(texts(node, "a person"))

    def check(self, facts: Facts) -> Verdict:
        """Always known: everybody has a subject."""
        if facts.identity.subject in self.subjects:
            return yes(Sentence("you are the person %(person)s", person=repr(facts.identity.subject)))
        return no(Sentence("the rule names other people"))

    def anchors(self) -> frozenset[Anchor]:
        """Each subject."""
        return frozenset(("person", subject) for subject in self.subjects)


@dataclass(frozen=True, slots=True)
class HasEmailDomain(Condition):
    """The person's e-mail address is verified and lies in one of these domains (not in their subdomains)."""

    name: ClassVar[str] = "email_domain"
    schema: ClassVar[Mapping[str, Any]] = _ONE_OR_MORE
    domains: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, _inner: Callable[[Node], Condition], /) -> Self:
        """Reads `email_domain: example.com` or a list of domains."""
        domains = texts(node, "an e-mail domain")
        for domain in domains:
            if not _DOMAIN.fullmatch(domain):
                refuse(node, "%(domain)s is not a domain in lower case, such as example.com", domain=repr(domain))
        return cls(domains)

    def check(self, facts: Facts) -> Verdict:
        """Unknown for an address that nobody vouches for."""
        domain = _verified_domain(facts.identity)
        if domain is None:
            return unknown(Sentence("your e-mail address is not verified by your company's sign-in"))
        if domain in self.domains:
            return yes(Sentence("your verified e-mail address is at %(domain)s", domain=domain))
        return no(Sentence("your e-mail address is not at %(domains)s", domains=_either(self.domains)))

    def anchors(self) -> frozenset[Anchor]:
        """Each domain."""
        return frozenset(("email_domain", domain) for domain in self.domains)


def _verified_domain(identity: Identity) -> str | None:
    # `is True`: a connector that let the text "false" through must not verify anybody by it.
    if identity.email is None or identity.email_is_verified is not True or identity.email.count("@") != 1:
        return None
    mailbox, _, domain = identity.email.partition("@")
    # Only ASCII is lowered: wider folding makes other letters equal to these.
    lowered = domain.lower() if domain.isascii() else ""
    return lowered if mailbox and _DOMAIN.fullmatch(lowered) else None


@dataclass(frozen=True, slots=True)
class SignedInWith(Condition):
    """The sign-in used one of these methods (`amr`, AuthnContextClassRef, or the provider's own names)."""

    name: ClassVar[str] = "authentication_method"
    schema: ClassVar[Mapping[str, Any]] = _ONE_OR_MORE
    methods: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, _inner: Callable[[Node], Condition], /) -> Self:
        """Reads `authentication_method: mfa` or a list of methods."""
        return cls(texts(node, "an authentication method"))

    def check(self, facts: Facts) -> Verdict:
        """Unknown where the identity provider states no method at all."""
        stated: Collection[str] = facts.identity.authn_methods
        if facts.signs_in_anew is not None:
            stated = facts.signs_in_anew
        if not stated:
            return unknown(Sentence("your sign-in does not say how you authenticated"))
        for method in self.methods:
            if method in stated:
                return yes(Sentence("you signed in with %(method)s", method=repr(method)))
        return no(Sentence("you did not sign in with %(methods)s", methods=_either(self.methods)))

    def anchors(self) -> frozenset[Anchor]:
        """Each method."""
        return frozenset(("method", method) for method in self.methods)


def _either(values: tuple[str, ...]) -> str:
    first, *others = (repr(value) for value in values)
    either = first
    for other in others:
        either = Sentence("%(this)s or %(that)s", this=either, that=other)
    return either
