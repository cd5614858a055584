"""What many rules cost: read, decided, explained, and compared with others before they are in force.

CPU time of one process of its own, so that what else runs on the machine counts little, and memory is theirs alone.
`python -m tests.benchmarks.rules` prints these rows without the others.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import yaml

from federation_bridge.administration.explaining import explained, lines_of
from federation_bridge.administration.preview import preview
from federation_bridge.mapping import Register, RuleSet, load_register, load_rules
from federation_bridge.model import Groups, Identity
from tests.benchmarks.table import Row, markdown, median

_NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
_ACCOUNTS, _GROUPS = 200, 150
_ROLES = ("Reader", "Writer", "Admin", "Auditor")
_FEW, _SOME, _MANY = 1_000, 10_000, 100_000


def measure() -> list[Row]:
    """Each row beside its yardstick: bare events of the same text, or the same with a hundredth of the rules."""
    asked = [sys.executable, "-m", "tests.benchmarks.rules", "--values"]
    got = json.loads(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)
    few = got[f"decision {_FEW}"]
    return [
        Row("5,000 rules read (yardstick: events of their YAML)", got["read"], "s", yardstick=got["events"]),
        Row("the same, against the clock of the CPU", got["read"], "s", most=0.3),
        Row(f"{_MANY:,} rules ready from their text", got["ready"], "s", most=3),
        Row("memory for that, at its most (RSS)", got["memory"], "MB", most=300),
        *(
            Row(f"decision, {_GROUPS} groups, {rules:,} rules", got[f"decision {rules}"], "ms", few, 1.2)
            for rules in (_SOME, _MANY)
        ),
        Row(f"decision, {_GROUPS} groups, {_MANY:,} rules, by itself", got[f"decision {_MANY}"], "ms", most=2),
        Row(f"explanation, {_GROUPS} groups, {_MANY:,} rules", got["explanation"], "ms", most=300),
        Row("the same as an administrator reads it", got["told"], "ms", most=300),
        Row("the same of one role", got["of a role"], "ms", most=300),
        Row("preview of 10,000 people, 50 of 5,000 rules change", got["preview"], "s", most=10),
        Row("preview of 10,000 people, all of 5,000 rules change", got["preview of all"], "s", most=10),
    ]


def _values() -> dict[str, float]:
    register = load_register(_register_text())
    # The largest first: what the others leave behind would count as its memory.
    values = _of_many(register)
    five = rules_text(5_000)
    values |= {
        "events": median([_seconds(lambda: _events(five)) for _ in range(3)]),
        "read": median([_seconds(lambda: _load(five, register)) for _ in range(3)]),
        "preview": _preview(five, register, 50),
        "preview of all": _preview(five, register, 5_000),
    }
    for count in (_FEW, _SOME):
        values[f"decision {count}"] = _decision(_load(rules_text(count), register), _person(0))
    return values


def _of_many(register: Register) -> dict[str, float]:
    who, many = _person(0), rules_text(_MANY)
    began = time.process_time()
    rules = _load(many, register)
    values = {"ready": time.process_time() - began}
    values["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    values[f"decision {_MANY}"] = _decision(rules, who)
    values["explanation"] = 1000 * median([_seconds(lambda: rules.explain(who, _NOW)) for _ in range(3)])
    values["told"] = 1000 * median([_seconds(lambda: list(lines_of(explained(rules, who, _NOW)))) for _ in range(3)])
    role = next(iter(rules.reachable().values()))[0]
    values["of a role"] = 1000 * median([_seconds(lambda: explained(rules, who, _NOW, role)) for _ in range(3)])
    return values


def _register_text() -> str:
    account = '  - id: "{0}"\n    name: A {0}\n    provider: arn:aws:iam::{0}:saml-provider/bridge\n    roles: [{1}]\n'
    listed = (account.format(100_000_000_000 + n, ", ".join(_ROLES)) for n in range(_ACCOUNTS))
    return f"version: 1\naccounts:\n{''.join(listed)}"


def rules_text(count: int) -> str:
    """A rule for each group; every hundredth denies instead."""
    return f"version: 1\nrules:\n{''.join(map(_rule, range(count)))}"


def _rule(number: int) -> str:
    account = 100_000_000_000 + number % _ACCOUNTS
    head = f"  - id: rule-{number:06}\n    connection: corp\n    when:\n      group: "
    if number % 100 == 99:
        return f"{head}banned-{number}\n    deny:\n      role: {account}/*\n"
    role = f"{account}/{_ROLES[number % len(_ROLES)]}"
    return f"{head}team-{number}\n    grant:\n      role: {role}\n      max_duration: 1h\n"


def _person(number: int) -> Identity:
    groups = tuple(f"team-{(number * 7 + n) % 900}" for n in range(_GROUPS))
    return Identity(connection="corp", subject=f"s-{number}", name="Kim", groups=Groups(groups))


def _load(text: str, register: Register) -> RuleSet:
    return load_rules(text, register, ("corp",))


def _events(text: str) -> None:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    while loader.get_event() is not None:
        pass


def _decision(rules: RuleSet, who: Identity) -> float:
    return 1000 * median([_seconds(lambda: rules.entitlements(who, _NOW)) for _ in range(25)])


def _preview(text: str, register: Register, changed: int) -> float:
    proposed = text.replace("max_duration: 1h", "max_duration: 2h", changed)
    before, after = (_load(one, register) for one in (text, proposed))
    people = [_few_groups(number) for number in range(10_000)]
    return _seconds(lambda: preview(before, after, people, _NOW))


def _few_groups(number: int) -> Identity:
    groups = tuple(f"team-{(number * 7 + n * 331) % 5000}" for n in range(15))
    return Identity(connection="corp", subject=f"s-{number}", name="Kim", groups=Groups(groups))


def _seconds(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_values()) if "--values" in sys.argv else f"{markdown(measure())}\n")
