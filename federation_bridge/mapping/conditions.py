"""The conditions on one fact. Each is a small frozen class that says yes or no, and why.

A new condition is one class here and one line in the table of `language.py`; it then has its file format, its schema,
its place in the index and its sentences. `combinations.py` holds all, any and not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from federation_bridge.mapping.condition import Anchor, Condition
from federation_bridge.mapping.document import Node, fields, refuse, text, texts
from federation_bridge.mapping.templates import Binding, GroupTemplate, Placeholder
from federation_bridge.mapping.verdicts import Answer, Facts, Verdict, Way, each_once, no, no_attribute, unknown, yes
from federation_bridge.model import Identity
from federation_bridge.sentence import Sentence

_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII)
_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}

_ONE_OR_MORE: Mapping[str, Any] = {
    "anyOf": [_TEXT, {"type": "array", "minItems": 1, "uniqueItems": True, "items": _TEXT}]
}

_MENTIONED = 3
"""So many groups are named in a sentence about groups that nearly fitted; a person may have a thousand."""


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
class InGroup(Condition):
    """The person is in this group of the rule's connection, exactly so written."""

    name: ClassVar[str] = "group"
    schema: ClassVar[Mapping[str, Any]] = _TEXT
    group: str

    @classmethod
    def parse(cls, node: Node, _inner: Callable[[Node], Condition], /) -> Self:
        """Reads `group: NAME`."""
        return cls(text(node, "a group"))

    def check(self, facts: Facts) -> Verdict:
        """Unknown while the groups are incomplete, even where this one is listed: a gap never grants.

        Where single ones were left out, one that is listed is a yes, and another one unknown.
        """
        if facts.identity.groups.gap is not None:
            return _gap(facts.identity.groups.gap)
        if self.group in facts.groups:
            return yes(Sentence("you are in group %(group)s", group=repr(self.group)))
        if facts.identity.groups.left_out is not None:
            return _gap(facts.identity.groups.left_out)
        return no(Sentence("you are not in group %(group)s", group=repr(self.group)))

    def anchors(self) -> frozenset[Anchor]:
        """The group."""
        return frozenset({("group", self.group)})


@dataclass(frozen=True, slots=True)
class InTemplateGroup(Condition):
    """The person is in a group whose name says which account or role it stands for."""

    name: ClassVar[str] = "group_template"
    schema: ClassVar[Mapping[str, Any]] = {"type": "string", "pattern": r"\{(account|role)\}"}
    template: GroupTemplate

    @classmethod
    def parse(cls, node: Node, _inner: Callable[[Node], Condition], /) -> Self:
        """Reads `group_template: aws#{account}#{role}`."""
        return cls(GroupTemplate.parse(node))

    def check(self, facts: Facts) -> Verdict:
        """One way for each group that fits and names what is registered."""
        if facts.identity.groups.gap is not None:
            return _gap(facts.identity.groups.gap)
        ways, reasons = [], []
        for group in sorted(group for group in facts.groups if group.startswith(self.template.prefix)):
            binding = self.template.match(group)
            if binding is None:
                continue
            stranger = _not_registered(group, binding, facts)
            if stranger is None:
                ways.append(Way((Sentence("you are in group %(group)s", group=repr(group)),), binding))
            else:
                reasons.append(stranger)
        if ways:
            return Verdict(Answer.YES, ways=tuple(ways), reasons=each_once(reasons[:_MENTIONED]))
        if facts.identity.groups.left_out is not None:
            return _gap(facts.identity.groups.left_out)
        none = Sentence("none of your groups has the form %(form)s", form=repr(self.template.written))
        return Verdict(Answer.NO, reasons=each_once(reasons[:_MENTIONED]) or (none,))

    def anchors(self) -> frozenset[Anchor]:
        """Every group that begins like the template."""
        return frozenset({("prefix", self.template.prefix)})

    def always_binds(self) -> frozenset[Placeholder]:
        """What the template names."""
        return self.template.placeholders

    def may_bind(self) -> frozenset[Placeholder]:
        """What the template names."""
        return self.template.placeholders


def _not_registered(group: str, binding: Binding, facts: Facts) -> Sentence | None:
    register = facts.register
    if binding.account is not None and binding.account not in register.accounts:
        return Sentence(
            "group %(group)s names account %(account)s, which is not registered",
            group=repr(group),
            account=binding.account,
        )
    allowed = register.accounts[binding.account].roles if binding.account is not None else register.role_names
    if binding.role is not None and binding.role not in allowed:
        return Sentence(
            "group %(group)s names role %(role)s, which the register does not allow there",
            group=repr(group),
            role=repr(binding.role),
        )
    return None


def _gap(why: str) -> Verdict:
    return unknown(Sentence("your groups are incomplete: %(why)s", why=why))


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
                refuse(node, f"{domain!r} is not a domain in lower case, such as example.com")
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
        stated = facts.identity.authn_methods
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
