"""Which people a decision cannot tell apart: it is made once for all of them."""

from __future__ import annotations

from federation_bridge.mapping.conditions import IsPerson, anchors_of
from federation_bridge.mapping.inner_conditions import conditions_within
from federation_bridge.mapping.rule import Rule
from federation_bridge.model import Identity


def is_personal(rule: Rule) -> bool:
    """Whether people with the same groups and claims may get different things from it."""
    is_filled = bool(rule.grant.tags) or rule.grant.source_identity is not None
    return is_filled or any(isinstance(one, IsPerson) for one in conditions_within(rule.when))


def facts_of(identity: Identity, *, is_personal: bool) -> tuple[object, ...]:
    """All that rules can know of this person; with `is_personal` for rules that ask who somebody is.

    When somebody signed in is no part of it: it differs for everybody, and a condition
    asks for it only where somebody asks (`Facts.caller`), never of people who were seen.
    """
    groups = identity.groups
    attributes = tuple(sorted(identity.attributes.items()))
    told = (identity.connection, frozenset(groups.names), groups.gap, groups.left_out, attributes)
    how = identity.authn_methods
    if is_personal:
        return (*told, how, identity.subject, identity.name, identity.email, identity.email_is_verified)
    return (*told, how, *sorted(anchor for anchor in anchors_of(identity) if anchor[0] == "email_domain"))
