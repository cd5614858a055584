"""What a proposed rulebook would change, before it is in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from federation_bridge.administration.third_person import about_them, shown_about_them
from federation_bridge.audit import printable
from federation_bridge.mapping import RuleSet
from federation_bridge.mapping.comparison import Comparison, Kind, Line, compare
from federation_bridge.mapping.findings import Finding, findings
from federation_bridge.model import Identity, JsonObject
from federation_bridge.sentence import Sentence

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
    """The preview as an administrator reads it, sentence by sentence. What others named is printable."""
    compared = found.comparison
    changed, people = str(compared.changed_people), str(compared.people)
    yield Sentence("%(changed)s of %(people)s people change.", changed=changed, people=people)
    for line in compared.lines:
        yield from _told(line)
    for name in compared.not_foreseen:
        yield Sentence(
            "rule %(rule)s depends on the request, such as its network: what it gives cannot be predicted", rule=name
        )
    for finding in found.findings:
        words = shown_about_them(finding.sentence)
        yield Sentence("new finding: %(finding)s (%(where)s)", finding=words, where=finding.where)


def _told(line: Line) -> Iterator[str]:
    yield Sentence(
        "%(who)s %(roles)s (%(terms)s) by rule %(rule)s: %(people)s",
        who=_who(line.kind, len(line.people)),
        roles=few(sorted(line.roles)),
        terms=line.terms,
        rule=line.rule,
        people=few(list(line.people)),
    )
    for because, count in line.causes.most_common(_FEW):
        yield Sentence("    %(count)s because %(why)s", count=str(count), why=_shown_cause(because))
    if len(line.causes) > _FEW:
        yield Sentence("    and for %(count)s more causes", count=str(len(line.causes) - _FEW))


def _who(kind: Kind, count: int) -> Sentence:
    people = str(count)
    if kind is Kind.GAINS:
        return Sentence("1 person gains") if count == 1 else Sentence("%(count)s people gain", count=people)
    if kind is Kind.LOSES:
        return Sentence("1 person loses") if count == 1 else Sentence("%(count)s people lose", count=people)
    return Sentence("1 person changes") if count == 1 else Sentence("%(count)s people change", count=people)


def _shown_cause(because: Sequence[str]) -> str:
    told = ""
    for reason in map(shown_about_them, because):
        told = Sentence("%(this)s and %(that)s", this=told, that=reason) if told else reason
    return told


def _cause(because: Sequence[str]) -> str:
    return " and ".join(map(about_them, because))


def few(words: Sequence[str], most: int = _FEW) -> str:
    """The first of them, and how many more there are."""
    some = ", ".join(map(printable, words[:most]))
    if len(words) <= most:
        return some
    return Sentence("%(some)s and %(count)s more", some=some, count=str(len(words) - most))


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
