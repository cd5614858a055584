"""Many people are ended in one account, and some are let in again: all fit, and nobody is denied wrongly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aws_factories import grant
from databases import OwnDatabase
from local_aws_factories import ACCOUNT
from revocation_factories import CAUSE, registered

from federation_bridge.aws import revocations
from federation_bridge.aws.revoker import Bounded, Found
from federation_bridge.aws_endings.asking import EndingsInAws
from federation_bridge.aws_endings.obeying import RevocationErrand
from federation_bridge.ending import Endings
from federation_bridge.errors import CannotRevoke
from federation_bridge.model import Errand, JsonObject, LiveGrant
from federation_bridge.sandbox.aws.policy.document import parse_policy
from federation_bridge.sandbox.aws.policy.evaluation import Request, Verdict, decide
from federation_bridge.settings import Aws

PEOPLE = 100


@dataclass
class HeldPolicy:
    """The account's policy, without the calls of AWS: botocore signs by the machine's clock, and hours pass here."""

    document: Mapping[str, Any] = field(default_factory=revocations.first_policy)
    aws: Aws = field(default_factory=Aws)

    def opened(self, _account: object) -> HeldPolicy:
        return self

    def read(self) -> Found:
        return Found(self.document, "v1")

    def write(self, document: JsonObject, text: str) -> Found:
        assert len(text) <= revocations.LONGEST_POLICY
        self.document = document
        return self.read()

    def bounded(self) -> Bounded:
        return Bounded(frozenset({"Admin"}))


class Bridge:
    """Ends people in one account, by a clock that is moved."""

    def __init__(self, database: OwnDatabase) -> None:
        self.clock, self.store, self.held = database.clock, database.open(), HeldPolicy()
        accounts, count = {ACCOUNT: registered()}, iter(range(999))
        rulebook: Any = SimpleNamespace(current=lambda: SimpleNamespace(register=SimpleNamespace(accounts=accounts)))
        answer = timedelta(seconds=13)
        self.errand = RevocationErrand(self.store, rulebook, self.held, self.clock, answer)  # type: ignore[arg-type]
        asking = EndingsInAws(self.store, lambda: accounts, answer, self.clock, lambda _: b"%d" % next(count))
        self.endings = Endings(self.store, self.clock, asking)

    def end(self, person: str) -> None:
        self.endings.end_person(person, CAUSE, in_aws=True)
        self.work()

    def work(self) -> None:
        self.errand_error = ""
        try:
            self.errand(Errand("revoke", ACCOUNT, 1, 0, self.clock(), self.clock()))
        except CannotRevoke as problem:
            self.errand_error = problem.detail

    def later(self, span: timedelta) -> None:
        self.clock.now += span


@pytest.fixture
def bridge(sqlite_database: OwnDatabase) -> Bridge:
    return Bridge(sqlite_database)


def _line(bridge: Bridge, person: str) -> LiveGrant:
    """A grant for four hours that AWS has issued, in the ledger."""
    now, name = bridge.clock.now, _name(person)
    made = grant(
        person=person,
        role="Admin",
        decided_at=now,
        account=registered(),
        id="_" + f"{person}-{now.timestamp():.0f}".encode().hex(),
        session_name=name,
        source_identity=name,
    )
    live = LiveGrant.of(made, ends_at=now + timedelta(hours=4), is_handed_over=False)
    live = replace(live, access_key_id="ASIA" + person[-4:])
    assert bridge.store.session_names.claim(name, person, live=live)
    return live


def _name(person: str) -> str:
    return person.replace("/", "-") + "-abcdefghijklmnop"


def _is_denied(bridge: Bridge, live: LiveGrant) -> bool:
    session = {
        "aws:userid": (f"AROAEXAMPLEEXAMPLE:{live.session_name}",),
        "aws:sourceidentity": (live.source_identity,),
        "aws:principalarn": (live.role_arn,),
        "aws:tokenissuetime": (live.made_at.strftime("%Y-%m-%dT%H:%M:%SZ"),),
    }
    document = parse_policy(json.dumps(bridge.held.document))
    return decide([document], Request("s3:GetObject", "arn:aws:s3:::a/b", session)) is Verdict.DENIED


@pytest.mark.parametrize(
    ("apart", "again"),
    [
        pytest.param(timedelta(seconds=1), 0, id="within two minutes"),
        pytest.param(timedelta(seconds=47), 0, id="over an hour and a half"),
        pytest.param(timedelta(seconds=47), 10, id="every tenth let in again"),
    ],
)
def test_a_hundred_people_fit_and_who_is_let_in_again_is_not_denied(
    bridge: Bridge, apart: timedelta, again: int
) -> None:
    ended = [_line(bridge, f"corp/p{number:03}") for number in range(PEOPLE)]
    let_in: list[LiveGrant] = []
    for number, live in enumerate(ended):
        bridge.end(live.person)
        bridge.later(apart)
        if again and number % again == 1:
            let_in.append(_line(bridge, ended[number - 1].person))
    bridge.later(timedelta(minutes=11))
    bridge.work()

    assert {str(one.state) for one in bridge.store.revocations.newest(999)} == {"ended, checked"}
    assert [one.person for one in ended if not _is_denied(bridge, one)] == []
    assert [one.person for one in let_in if _is_denied(bridge, one)] == []
    assert len(let_in) == (PEOPLE // again if again else 0)


def test_who_comes_back_at_the_very_instant_is_never_denied_however_many_are_ended(bridge: Bridge) -> None:
    """All come back: no instant may be raised over theirs, so some are told to be denied by other means."""
    ended = [_line(bridge, f"corp/p{number:03}") for number in range(40)]
    let_in = []
    for live in ended:
        bridge.end(live.person)
        [one] = [one for one in bridge.store.revocations.newest(99) if one.person == live.person]
        bridge.later(one.issued_before - bridge.clock.now)
        let_in.append(_line(bridge, live.person))
    bridge.later(timedelta(minutes=11))
    bridge.work()

    assert [one.person for one in let_in if _is_denied(bridge, one)] == []
    full = {one.person for one in bridge.store.revocations.newest(99) if "full" in one.told}
    assert {one.person for one in ended if not _is_denied(bridge, one)} == full
