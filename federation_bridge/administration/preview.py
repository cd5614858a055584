"""What a proposed rulebook would change, before it is in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from federation_bridge.administration.third_person import about_them
from federation_bridge.audit import printable
from federation_bridge.mapping import RuleSet
from federation_bridge.mapping.comparison import Comparison, Line, compare
from federation_bridge.mapping.findings import Finding, findings
from federation_bridge.model import Identity, JsonObject

_FEW = 3


@dataclass(frozen=True, slots=True)
class Preview:
    """What changes for whom, and what is odd about the proposed rules that is not so about those in force."""

    comparison: Comparison
    findings: tuple[Finding, ...]


def preview(
    in_force: RuleSet,
    proposed: RuleSet,
    people: Sequence[Identity],
    now: datetime,
    progress: Callable[[int], None] = lambda _: None,
) -> Preview:
    """What the proposed rules change for these people at this instant. It writes nothing."""
    compared = compare(in_force, proposed, people, now, progress)
    known = {(one.kind, one.rule, one.sentence) for one in findings(in_force, people, now)}
    new = (one for one in findings(proposed, people, now) if (one.kind, one.rule, one.sentence) not in known)
    return Preview(compared, tuple(new))


def lines_of(found: Preview) -> Iterator[str]:
    """The preview as an administrator reads it. What others named is printable."""
    compared = found.comparison
    yield f"{compared.changed_people} of {compared.people} people change."
    for line in compared.lines:
        yield from _told(line)
    for name in compared.not_foreseen:
        yield f"rule {name} asks about the request, such as its network: what it gives is not foreseen"
    for finding in found.findings:
        yield f"new finding: {printable(finding.sentence)} ({finding.where})"


def _told(line: Line) -> Iterator[str]:
    who = "1 person" if len(line.people) == 1 else f"{len(line.people)} people"
    verb = line.kind.value if len(line.people) == 1 else line.kind.value.removesuffix("s")
    yield f"{who} {verb} {few(sorted(line.roles))} ({line.terms}) by rule {line.rule}: {few(list(line.people))}"
    for because, count in line.causes.most_common(_FEW):
        yield f"    {count} because {printable(_cause(because))}"
    if len(line.causes) > _FEW:
        yield f"    and for {len(line.causes) - _FEW} more causes"


def _cause(because: Sequence[str]) -> str:
    return " and ".join(map(about_them, because))


def few(words: Sequence[str], most: int = _FEW) -> str:
    """The first of them, and how many more there are."""
    rest = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(map(printable, words[:most])) + rest


def document_of(found: Preview) -> JsonObject:
    """The preview for a program: all people and roles of each line."""
    compared = found.comparison
    return {
        "people": compared.people,
        "changed_people": compared.changed_people,
        "changes": [
            {
                "kind": line.kind.value,
                "rule": line.rule,
                "terms": line.terms,
                "roles": sorted(line.roles),
                "people": list(line.people),
                "causes": [{"because": _cause(why), "people": count} for why, count in line.causes.most_common()],
            }
            for line in compared.lines
        ],
        "not_foreseen": list(compared.not_foreseen),
        "findings": [
            {"kind": one.kind.value, "rule": one.rule, "line": one.line, "sentence": one.sentence, "file": one.document}
            for one in found.findings
        ],
    }
