"""The conditions within a condition, whatever it is made of."""

from __future__ import annotations

from collections.abc import Iterator

from federation_bridge.mapping.condition import Condition


def conditions_within(condition: Condition) -> Iterator[Condition]:
    """The condition itself and all within it, the outer ones first."""
    yield condition
    for name in getattr(condition, "__dataclass_fields__", ()):
        value = getattr(condition, name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Condition):
                yield from conditions_within(one)
