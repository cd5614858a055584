"""What the audit keeps about an arrival: the result of each check, and what was received, bounded and redacted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from federation_bridge.audit import JsonValue, printable
from federation_bridge.model import Received
from federation_bridge.redaction import masked
from federation_bridge.sign_in_checks import Verdicts

KeptValues = Literal["names", "hashed", "all"]
Details = dict[str, JsonValue]

_MOST_NAMES = 40
_MOST_VALUES = 8
_LONGEST = 200
_MOST_CHARACTERS = 3_000
"""Of all texts together as they are written, so that no answer makes a long entry."""
_AS_EXPECTED = frozenset(
    {"Response Issuer", "Destination", "InResponseTo", "Issuer", "Audience", "Recipient", "iss", "aud", "azp"}
)
"""What has to equal our own or the connection's, so that it tells nothing of a sign-in that was believed."""


@dataclass(slots=True)
class _Texts:
    """Writes texts, each cut, as long as there is room for all of them together."""

    left: int = _MOST_CHARACTERS
    dropped: int = field(default=0)

    def one(self, text: str) -> str | None:
        cut = f"{text[:_LONGEST]}... ({len(text)} characters)" if len(text) > _LONGEST else text
        length = len(printable(cut))
        if length > self.left:
            self.dropped += 1
            return None
        self.left -= length
        return cut

    def some(self, given: Sequence[str], as_kept: Callable[[str], str] = str) -> list[JsonValue]:
        # Only what is kept is masked: thousands of long values would keep a thread busy for nothing.
        kept = (as_kept(text) for text in given[:_MOST_VALUES])
        found: list[JsonValue] = [one for text in kept if (one := self.one(text)) is not None]
        rest = len(given) - _MOST_VALUES
        return [*found, f"... ({len(given)} in all)"] if rest > 0 else found


def checks_of(verdicts: Verdicts) -> Details:
    """The results as an entry has them; a check of the protocol that has no result was not needed."""
    told: Details = {"passed": list(verdicts.passed)}
    if verdicts.failed:
        told |= {"failed": verdicts.failed, "not_reached": list(verdicts.not_reached)}
    return told


def received_of(received: Received, values: KeptValues, *, is_refused: bool) -> Details:
    """What was received as an entry has it: names always, values of attributes and the subject as `values` says.

    It goes into the entry whole: what may be a secret is masked here, which is all but what a signed message says of
    itself.
    """
    texts = _Texts()
    said: Details = {
        name: texts.some(tuple(found), masked if name in received.unsigned else str)
        for name, found in received.said.items()
        if is_refused or name not in _AS_EXPECTED
    }
    told: Details = {"said": said} if said else {}
    if received.unsigned:
        told["unsigned"] = [name for name in received.unsigned if name in said]
    if received.subject and values != "names" and (subject := texts.one(_value(received.subject, values))) is not None:
        told["subject"] = subject
    if received.attributes:
        told["attributes"] = _attributes(received, values, texts)
        texts.dropped += max(len(received.attributes) - _MOST_NAMES, 0)
    if texts.dropped:
        told["left_out"] = texts.dropped
    return told


def _attributes(received: Received, values: KeptValues, texts: _Texts) -> Details:
    """By name how many values each has, or these values."""
    told: Details = {}
    for name, found in list(received.attributes.items())[:_MOST_NAMES]:
        if (shown := texts.one(name)) is None:
            continue
        told[shown] = len(found) if values == "names" else texts.some(tuple(found), lambda one: _value(one, values))
    return told


def _value(text: str, values: KeptValues) -> str:
    if values == "all":
        return masked(text)
    # Whoever has a value can look whether it is this one. So can who guesses it: this hides values from readers only.
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
