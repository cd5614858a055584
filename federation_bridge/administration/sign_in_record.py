"""One sign-in as an administrator reads it: each check with its verdict, what arrived, the cause and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal
from unicodedata import name as name_of_character

from federation_bridge.administration.sign_in_advice import advice
from federation_bridge.audit import JsonValue, Recorded, SignInFinished, printable
from federation_bridge.sentence import Sentence
from federation_bridge.shown_text import is_shown_text
from federation_bridge.sign_in_checks import CHECKS, Check

VerdictOfCheck = Literal["passed", "FAILED", "not reached", "not needed"]
_MOST_FOREIGN_LETTERS = 3
_LOST = Sentence("a check of another release")
_OF_THEIR_OWN = ("LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC", "ARABIC", "HEBREW")
"""Names of letters that nobody takes for a plain Latin one."""


@dataclass(frozen=True, slots=True)
class CheckTold:
    """A check and what came of it."""

    check: Check
    verdict: VerdictOfCheck


@dataclass(frozen=True, slots=True)
class Arrived:
    """One thing that arrived: its name in the specification, and its values."""

    name: str
    """What people read where it is a Sentence, else the name in the specification."""
    values: str
    is_signed: bool = True


@dataclass(frozen=True, slots=True)
class SignInTold:
    """All that is known of one sign-in."""

    checks: tuple[CheckTold, ...]
    """Empty where the entry was made before checks were kept."""
    arrived: tuple[Arrived, ...]
    failed: CheckTold | None
    """The check that refused."""
    cause: str
    """The refusal in the words of the log, which are English."""
    advice: Sentence | None


def told(row: Recorded, protocol: str) -> SignInTold:
    """What the entry of a sign-in tells; `protocol` is its connection's, "" where there is none of that name."""
    checks, received = _mapping(row.details.get("checks")), _mapping(row.details.get("received"))
    reason = "" if row.event == SignInFinished.name else safe(str(row.details.get("reason", "")))
    failed = str(checks.get("failed", ""))
    done = None if row.event == SignInFinished.name else advice(row.event, str(row.details.get("code", "")), failed)
    verdicts = tuple(_verdicts(checks, protocol))
    refused = next((one for one in verdicts if one.verdict == "FAILED"), None)
    return SignInTold(verdicts, tuple(_arrived(received)), refused, reason, done)


def document_of(found: SignInTold) -> dict[str, Any]:
    """The same for a program."""
    return {
        "checks": [
            {"name": one.check.name, "asks": one.check.asks, "source": one.check.source, "verdict": one.verdict.lower()}
            for one in found.checks
        ],
        "arrived": [{"name": one.name, "values": one.values, "is_signed": one.is_signed} for one in found.arrived],
        "failed": found.failed.check.name if found.failed else None,
        "cause": found.cause,
        "advice": found.advice or "",
    }


def lines_of(found: SignInTold) -> Iterator[str]:
    """The same as lines for a terminal: a table of checks, what arrived, the cause and what to do."""
    width = max((len(one.check.name) for one in found.checks), default=0)
    for one in found.checks:
        source = f" ({one.check.source})" if one.check.source else ""
        yield f"  {one.verdict:<11}  {one.check.name:<{width}}  {one.check.asks}{source}"
    if found.arrived:
        yield "  what arrived:"
    for each in found.arrived:
        yield f"    {each.name}: {each.values}{'' if each.is_signed else '  (nobody signed this)'}"
    if found.cause:
        yield f"  cause: {found.cause}"
    if found.advice:
        yield f"  what to do: {found.advice}"


def _verdicts(checks: Mapping[str, JsonValue], protocol: str) -> Iterator[CheckTold]:
    by_name: dict[str, VerdictOfCheck] = {}
    by_name |= dict.fromkeys(_names(checks.get("passed")), "passed")
    by_name |= dict.fromkeys(_names(checks.get("not_reached")), "not reached")
    if failed := str(checks.get("failed", "")):
        by_name[failed] = "FAILED"
    if not by_name:
        return
    known = CHECKS.get(protocol) or tuple({one.name: one for one in chain(*CHECKS.values())}.values())
    for one in known:
        if one.name in by_name or (one.name != "other" and protocol in CHECKS):
            yield CheckTold(one, by_name.pop(one.name, "not needed"))
    # Of another release: its words are lost, and its verdict is not.
    yield from (CheckTold(Check(safe(name), _LOST), verdict) for name, verdict in by_name.items())


def _arrived(received: Mapping[str, JsonValue]) -> Iterator[Arrived]:
    unsigned = _names(received.get("unsigned"))
    for name, value in _mapping(received.get("said")).items():
        yield Arrived(safe(name), _values(value), name not in unsigned)
    if received.get("subject"):
        yield Arrived("subject", _values(received["subject"]))
    for name, value in _mapping(received.get("attributes")).items():
        is_count = isinstance(value, int)
        words = _count(value) if is_count else _values(value)
        yield Arrived(Sentence("attribute %(name)s", name=safe(name)), words)
    if left_out := received.get("left_out"):
        told_words = Sentence("%(count)s more, left out because the entry would be too long", count=str(left_out))
        yield Arrived(Sentence("left out"), told_words)


def _count(value: JsonValue) -> Sentence:
    if value == 1:
        return Sentence("1 value, not kept")
    return Sentence("%(count)s values, not kept", count=str(value))


def _values(value: JsonValue) -> str:
    found = value if isinstance(value, list) else [value]
    return ", ".join(safe(str(one)) for one in found) or Sentence("nothing")


def safe(text: str) -> str:
    """The text as a terminal or page may show it, with the names of letters that look like Latin ones and are none.

    Entries are printable already; a row that somebody put into the database may not be.
    """
    shown = text if is_shown_text(text) else printable(text)
    named = {one: name_of_character(one, f"U+{ord(one):04X}") for one in shown if not one.isascii()}
    foreign = [name for name in named.values() if not name.startswith(_OF_THEIR_OWN)]
    names = ", ".join(foreign[:_MOST_FOREIGN_LETTERS])
    return f"{shown} [{names}]" if names else shown


def _mapping(value: JsonValue | None) -> Mapping[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _names(value: JsonValue | None) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
