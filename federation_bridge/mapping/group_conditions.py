"""The conditions on groups. While a person's groups are incomplete, what is not listed is not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from federation_bridge.mapping.condition import Anchor, Condition, Inner
from federation_bridge.mapping.definitions import named
from federation_bridge.mapping.document import ID_PATTERN, Node, text
from federation_bridge.mapping.templates import Binding, GroupTemplate, Placeholder
from federation_bridge.mapping.verdicts import Answer, Facts, Verdict, Way, each_once, no, unknown, yes
from federation_bridge.sentence import Sentence

_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
_MENTIONED = 3
"""So many groups are named in a sentence about groups that nearly fitted; a person may have a thousand."""


@dataclass(frozen=True, slots=True)
class InGroup(Condition):
    """The person is in this group of the rule's connection, exactly so written."""

    name: ClassVar[str] = "group"
    schema: ClassVar[Mapping[str, Any]] = {
        "anyOf": [
            _TEXT,
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["named"],
                "properties": {"named": {"type": "string", "pattern": f"^{ID_PATTERN}$"}},
            },
        ]
    }
    group: str
    label: str = field(default="", compare=False)
    """How the rules name it."""

    @classmethod
    def parse(cls, node: Node, inner: Inner, /) -> Self:
        """Reads `group: NAME`, or `group: {named: LABEL}`."""
        if isinstance(node.value, str) or not isinstance(node.value, Mapping):
            return cls(text(node, "a group"))
        groups = inner.definitions.groups
        label = named(node, "a group", groups)
        return cls(groups[label], label)

    @property
    def shown(self) -> str:
        """The group as people read it: with its label, where it has one."""
        return f"{self.label} ({self.group!r})" if self.label else repr(self.group)

    def check(self, facts: Facts) -> Verdict:
        """Unknown while the groups are incomplete, even where this one is listed: a gap never grants.

        Where single ones were left out, one that is listed is a yes, and another one unknown.
        """
        groups = facts.identity.groups
        if groups.gap is not None:
            return _gap(groups.gap)
        if self.group in facts.groups:
            return yes(Sentence("you are in group %(group)s", group=self.shown))
        if groups.left_out is not None:
            return _gap(groups.left_out)
        return no(Sentence("you are not in group %(group)s", group=self.shown))

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
        return Verdict(Answer.NO, reasons=each_once(reasons[:_MENTIONED]) or (self.no_group_of_the_form(),))

    def no_group_of_the_form(self) -> Sentence:
        """The reason where no group of the person has the template's form."""
        return Sentence("none of your groups has the form %(form)s", form=repr(self.template.written))

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
