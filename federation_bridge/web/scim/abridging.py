"""What is told of a user to be shown, and decides nothing, is kept short: each part costs at every look and change.

It is cut and not refused: who is disabled by the same request is out, whatever else it says.
"""

from __future__ import annotations

from typing import Any

_MOST_VALUES = 20
_LONGEST_TEXT = 256


def with_few_values(told: Any) -> Any:
    """The same with no more than the first values of each list; texts stay whole, for some of them say who is meant."""
    if isinstance(told, dict):
        return {name: with_few_values(value) for name, value in told.items()}
    return [with_few_values(value) for value in told[:_MOST_VALUES]] if isinstance(told, list) else told


def abridged(shown: Any) -> Any:
    """The same with texts cut too: for what is only shown."""
    if isinstance(shown, dict):
        return {name: abridged(value) for name, value in shown.items()}
    if isinstance(shown, list):
        return [abridged(value) for value in shown[:_MOST_VALUES]]
    return shown[:_LONGEST_TEXT] if isinstance(shown, str) else shown
