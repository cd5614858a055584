"""How a button that somebody pressed without a session goes on after the sign-in: said beside its route (ADR 16).

It never goes on by itself: a page of ours shows what the press would do, and waits for another press.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from federation_bridge.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Pressed:
    """What a button of ours sent: an address of ours, what its route reads in it, and the form's fields in order."""

    path: str
    args: Mapping[str, str]
    fields: tuple[tuple[str, str], ...]
    """Without the form's token: it belongs to the session of then."""

    def field(self, name: str) -> str:
        """The first value of a field, "" where it was not sent."""
        return next((value for sent, value in self.fields if sent == name), "")


Line = tuple[Sentence, str]
"""What a person reads of a press: what it is, and its value."""


def _nothing(_: Pressed) -> Sequence[Line]:
    return ()


@dataclass(frozen=True, slots=True)
class GoesOn:
    """The page that asks for the press once more."""

    button: Callable[[Pressed], Sentence] | Sentence
    """What stands on the button."""
    lines: Callable[[Pressed], Sequence[Line]] = _nothing
    """What the page shows of it. Asked behind a session that was confirmed."""
    changed: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """By name and value, the fields that go on with another value."""

    def words(self, pressed: Pressed) -> Sentence:
        """What stands on the button for this press."""
        return self.button if isinstance(self.button, Sentence) else self.button(pressed)


@dataclass(frozen=True, slots=True)
class AsksItself:
    """A page of ours already asks for this press: where it is."""

    at: Callable[[Pressed], str]


AS_TYPED = GoesOn(Sentence("Show what I typed"), changed={("do", "save"): "check"})
"""A long form is shown again with all that was typed in it, and saved by its own button."""

Onward = GoesOn | AsksItself


def fields_shown(**labels: Sentence) -> Callable[[Pressed], Sequence[Line]]:
    """Lines of these fields, where they were filled in."""

    def lines(pressed: Pressed) -> Sequence[Line]:
        return [(label, value) for name, label in labels.items() if (value := pressed.field(name))]

    return lines
