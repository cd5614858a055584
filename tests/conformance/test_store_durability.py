"""What waits for the disk, and what is only in order: each verb, the table in docs/store.md and the code agree."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path

import postgresql
import pytest
from block_factories import block
from database_traffic import commits
from databases import INTEGRITY_KEY, HeldClock, OwnDatabase
from family_factories import BROWSER, USER_CODE, approved, family, let_in, pair, request, signed_in
from postgresql_wire import Wire, counting_relay
from sqlalchemy import true
from store_factories import IDLE, NOBODY, ended_at_provider, entry, live_grant, proposal, revocation, session, sign_in

from federation_bridge.audit import AuditQuery
from federation_bridge.audit.seal import Batch, Seal
from federation_bridge.model import (
    Acceptance,
    AuthorizationCode,
    Errand,
    LiveGrantQuery,
    Look,
    ProposedVersion,
    ProvisionedUser,
    ScimToken,
    SealedKey,
)
from federation_bridge.store import Store, open_store
from federation_bridge.store.hand_overs import Acting
from federation_bridge.store.provisioned_changes import ProvisionedChanges
from federation_bridge.store.rate_limits import Limit
from federation_bridge.store.resealing import Anew
from federation_bridge.store.writing import insertion_where

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "federation_bridge"
_ROW = re.compile(r"^\| `([\w., ]+)` \| (durable|ordered) \|", re.MULTILINE)
_LIMITS = [Limit("code", "corp/alice", 5, timedelta(minutes=10))]
_YES = Acceptance("corp", "metadata-held", "waits", "metadata", "accepted")
_SEAL = Seal(1, Batch(1, 9, b""), "statement")
_MINUTE = timedelta(minutes=1)
_LONG_AGO = datetime.fromisoformat("2020-01-01T00:00:00+00:00")


@dataclass(frozen=True)
class Scenario:
    """One verb: what has to be there, and the call."""

    act: Callable[[Store, datetime], object]
    prepare: Callable[[Store, datetime], object] = lambda store, now: None
    later: timedelta = timedelta(0)
    """How much time passes between the two."""


def _begun(store: Store, now: datetime) -> None:
    signed_in(store, now)
    assert store.device_codes.begin("device", USER_CODE, request(now))


def _with_material(store: Store, now: datetime) -> None:
    signed_in(store, now)
    store.provider_material.keep(BROWSER, "sealed")


def _anew() -> Anew:
    return Anew(b"n" * 32, lambda _, sealed: sealed, lambda _, sealed: sealed)


def _claimed(store: Store, now: datetime) -> None:
    _begun(store, now)
    assert store.device_codes.claim(USER_CODE, BROWSER)


def _code() -> AuthorizationCode:
    return AuthorizationCode("fedbridge", "http://127.0.0.1:1/", "x", "family", _LONG_AGO + timedelta(days=9999))


def _code_issued(store: Store, now: datetime) -> None:
    signed_in(store, now)
    store.authorization_codes.issue("code", _code(), family(now))


def _redeem(store: Store, now: datetime, device_code: str) -> object:
    return store.device_codes.redeem(device_code, "fedbridge", None, pair(now))


def _asked(store: Store, _: datetime) -> None:
    store.errands.ask("kind", "subject")


def _taken(store: Store, now: datetime) -> None:
    _asked(store, now)
    assert store.errands.take("kind", "node", _MINUTE)


def _errand(store: Store) -> Errand:
    return store.errands.waiting("kind")[0]


def _revoked(store: Store, now: datetime) -> None:
    store.revocations.add([revocation(now)])


def put_block(store: Store, now: datetime) -> object:
    return store.blocks.put(block(now), lambda _: [entry(now)])


def _token(now: datetime) -> ScimToken:
    return ScimToken("corp", "t", now, None)


def _token_added(store: Store, now: datetime) -> None:
    assert store.scim_tokens.add(_token(now), "secret")


def _told_by_scim(now: datetime) -> Callable[[ProvisionedChanges], None]:
    return lambda changes: changes.put_user(ProvisionedUser("corp", "u", "alice", "a", True, "{}", now, now))


SCENARIOS = {
    "sessions.take": Scenario(lambda store, now: store.sessions.take(sign_in(now))),
    "sessions.admit": Scenario(lambda store, now: store.sessions.admit(session(now), "issuer", "_m", now)),
    "people.seen_since": Scenario(lambda store, now: store.people.seen_since(now), signed_in),
    "people.each_seen_since": Scenario(lambda store, now: list(store.people.each_seen_since(now)), signed_in),
    "people.one_at": Scenario(lambda store, now: store.people.one_at("corp/alice", now), signed_in),
    "people.one": Scenario(lambda store, _: store.people.one("corp/alice"), signed_in),
    "sessions.live": Scenario(lambda store, _: store.sessions.live(BROWSER, IDLE), signed_in),
    "sessions.of_person": Scenario(lambda store, _: store.sessions.of_person("corp/alice", 9), signed_in),
    "sessions.living": Scenario(lambda store, _: store.sessions.living(), signed_in),
    "sessions.seen": Scenario(lambda store, _: store.sessions.seen(BROWSER), signed_in, timedelta(minutes=2)),
    "sessions.confirm": Scenario(lambda store, _: store.sessions.confirm(BROWSER), signed_in),
    "sessions.end": Scenario(lambda store, _: store.sessions.end(BROWSER), signed_in),
    "sessions.succeed": Scenario(lambda store, _: store.sessions.succeed(BROWSER, "b" * 64), signed_in),
    "sessions.end_of_person": Scenario(lambda store, _: store.sessions.end_of_person("corp/alice"), signed_in),
    "provider_material.keep": Scenario(lambda store, _: store.provider_material.keep(BROWSER, "sealed"), signed_in),
    "provider_material.of": Scenario(lambda store, _: store.provider_material.of(BROWSER), signed_in),
    "provider_material.claim": Scenario(
        lambda store, _: store.provider_material.claim(BROWSER, _MINUTE), _with_material
    ),
    "provider_material.due": Scenario(lambda store, _: store.provider_material.due("corp", _MINUTE, _MINUTE, 50)),
    "provider_material.vouched": Scenario(
        lambda store, _: store.provider_material.vouched(BROWSER, "sealed anew"), _with_material
    ),
    "signal_streams.of": Scenario(lambda store, _: store.signal_streams.of("corp")),
    "signal_streams.put": Scenario(lambda store, _: store.signal_streams.put("corp", "secret", "s-1")),
    "signal_streams.remove": Scenario(
        lambda store, _: store.signal_streams.remove("corp"),
        lambda store, _: store.signal_streams.put("corp", "secret", "s-1"),
    ),
    "provider_endings.spend": Scenario(lambda store, now: store.provider_endings.spend("corp", "issuer", "_m", now)),
    "provider_endings.is_spent": Scenario(lambda store, _: store.provider_endings.is_spent("corp", "issuer", "_m")),
    "provider_endings.mark": Scenario(lambda store, now: store.provider_endings.mark("a" * 64, now)),
    "provider_endings.mark_people_in": Scenario(
        lambda store, now: store.audit.transact(
            lambda writing: store.provider_endings.mark_people_in(writing, ["corp/alice", "corp/bob"], now)
        )
    ),
    "provider_endings.marked": Scenario(lambda store, _: store.provider_endings.marked("a" * 64)),
    "provider_endings.end": Scenario(
        lambda store, now: store.provider_endings.end("corp", ended_at_provider(now), lambda *_: ()), signed_in
    ),
    "provider_endings.has_ended": Scenario(
        lambda store, now: store.provider_endings.has_ended("corp", ended_at_provider(now).named, now)
    ),
    "ended_holdings.of_session": Scenario(lambda store, _: store.ended_holdings.of_session(BROWSER)),
    "ended_holdings.of_refresh_token": Scenario(
        lambda store, _: store.ended_holdings.of_refresh_token("refresh", "fedbridge", None)
    ),
    "blocks.put": Scenario(put_block),
    "blocks.lift": Scenario(
        lambda store, now: store.blocks.lift("corp/alice", "administrator", entry(now)),
        put_block,
    ),
    "blocks.standing": Scenario(lambda store, _: store.blocks.standing()),
    "blocks.about": Scenario(lambda store, _: store.blocks.about("corp/alice")),
    "hand_overs.record": Scenario(
        lambda store, now: store.hand_overs.record(Acting(BROWSER, "corp/alice"), entry(now)), signed_in
    ),
    "hand_overs.why_not": Scenario(lambda store, _: store.hand_overs.why_not(NOBODY)),
    "audit.record_beside": Scenario(
        lambda store, now: store.audit.record_beside(insertion_where(true()), {}, entry(now))
    ),
    "audit.record": Scenario(lambda store, now: store.audit.record(entry(now))),
    "audit.record_where": Scenario(
        lambda store, now: store.audit.record_where(insertion_where(true()), {}, entry(now))
    ),
    "audit.writing": Scenario(lambda store, now: store.audit.record(entry(now))),
    "audit.transact": Scenario(lambda store, now: store.audit.transact(lambda writing: writing.record(entry(now)))),
    "audit.tell_forged": Scenario(lambda store, _: store.audit.tell_forged()),
    "audit.numbered": Scenario(lambda store, _: store.audit.numbered(1, 2, 3)),
    "seals.settled": Scenario(lambda store, _: store.seals.settled(lambda: False)),
    "seals.last": Scenario(lambda store, _: store.seals.last()),
    "seals.rows": Scenario(lambda store, _: list(store.seals.rows(1, 9))),
    "seals.seals": Scenario(lambda store, _: list(store.seals.seals())),
    "seals.add": Scenario(lambda store, _: store.seals.add(_SEAL)),
    "seals.oldest_unarchived": Scenario(
        lambda store, _: store.seals.oldest_unarchived(), lambda store, _: store.seals.add(_SEAL)
    ),
    "seals.archive": Scenario(
        lambda store, now: store.seals.archive(_SEAL, "archived", entry(now)), lambda store, _: store.seals.add(_SEAL)
    ),
    "erasure.entries": Scenario(lambda store, _: list(store.erasure.entries("corp/alice")), signed_in),
    "erasure.kept": Scenario(lambda store, _: list(store.erasure.kept("corp/alice")), signed_in),
    "erasure.knows": Scenario(lambda store, _: store.erasure.knows("corp/alice"), signed_in),
    "erasure.forget": Scenario(lambda store, now: store.erasure.forget("corp/alice", entry(now)), signed_in),
    "erasure.erase": Scenario(lambda store, _: store.erasure.erase([(1, "digest:statement")]), signed_in),
    "refusals.keep": Scenario(lambda store, now: store.refusals.keep((), (entry(now),), now, 9)),
    "audit.found": Scenario(lambda store, _: list(store.audit.found(AuditQuery()))),
    "audit.last_uses": Scenario(lambda store, _: store.audit.last_uses()),
    "audit.rules_used": Scenario(lambda store, now: store.audit.rules_used(now)),
    "audit.begins_at": Scenario(lambda store, _: store.audit.begins_at()),
    "audit.entries": Scenario(lambda store, _: store.audit.entries()),
    "session_names.claim": Scenario(lambda store, _: store.session_names.claim("alice", "corp/alice")),
    "live_grants.completed": Scenario(
        lambda store, now: store.live_grants.completed(
            replace(live_grant(now), access_key_id="ASIA1"), entry(now), NOBODY
        ),
        lambda store, now: store.session_names.claim("alice", "corp/alice", entry(now), live=live_grant(now)),
    ),
    "live_grants.came_to_nothing": Scenario(
        lambda store, now: store.live_grants.came_to_nothing("_grant", entry(now)),
        lambda store, now: store.session_names.claim("alice", "corp/alice", entry(now), live=live_grant(now)),
    ),
    "live_grants.grant": Scenario(lambda store, _: store.live_grants.grant("_grant")),
    "live_grants.of_person": Scenario(lambda store, _: store.live_grants.of_person("corp/alice")),
    "live_grants.of_key": Scenario(lambda store, _: store.live_grants.of_key("ASIA1")),
    "live_grants.of_role": Scenario(lambda store, _: store.live_grants.of_role("111122223333", "reader")),
    "live_grants.of_source_identity": Scenario(
        lambda store, _: store.live_grants.of_source_identity("111122223333", "alice")
    ),
    "live_grants.living": Scenario(lambda store, _: store.live_grants.living(LiveGrantQuery(), 9)),
    "role_habits.of": Scenario(lambda store, _: store.role_habits.of("corp/alice")),
    "role_habits.favour": Scenario(lambda store, _: store.role_habits.favour("corp/alice", "111122223333", "reader")),
    "role_habits.unfavour": Scenario(
        lambda store, _: store.role_habits.unfavour("corp/alice", "111122223333", "reader"),
        lambda store, _: store.role_habits.favour("corp/alice", "111122223333", "reader"),
    ),
    "documents.last_good": Scenario(lambda store, _: store.documents.last_good("rules", "r")),
    "documents.keep": Scenario(lambda store, _: store.documents.keep("rules", "r", "text")),
    "documents.version": Scenario(lambda store, _: store.documents.version("rules", "r")),
    "documents.accept": Scenario(
        lambda store, _: store.documents.accept(_YES),
        lambda store, _: store.documents.keep(_YES.held_kind, _YES.name, _YES.held),
    ),
    "documents.look": Scenario(lambda store, _: store.documents.look("corp")),
    "documents.begin_look": Scenario(lambda store, _: store.documents.begin_look("corp", _MINUTE)),
    "documents.end_look": Scenario(
        lambda store, now: store.documents.end_look("corp", Look(now)),
        lambda store, _: store.documents.begin_look("corp", _MINUTE),
    ),
    "rulebook_versions.number_in_force": Scenario(lambda store, _: store.rulebook_versions.number_in_force()),
    "rulebook_versions.newest_number": Scenario(lambda store, _: store.rulebook_versions.newest_number()),
    "rulebook_versions.in_force": Scenario(lambda store, _: store.rulebook_versions.in_force()),
    "rulebook_versions.version": Scenario(lambda store, _: store.rulebook_versions.version(1)),
    "rulebook_versions.history": Scenario(lambda store, _: store.rulebook_versions.history(9)),
    "rulebook_versions.put": Scenario(
        lambda store, _: store.rulebook_versions.put(ProposedVersion("t", "files", "", "files"), lambda _: ())
    ),
    "rulebook_proposals.find": Scenario(lambda store, _: store.rulebook_proposals.find("change")),
    "rulebook_proposals.waiting": Scenario(lambda store, _: store.rulebook_proposals.waiting(9)),
    "rulebook_proposals.add": Scenario(lambda store, now: store.rulebook_proposals.add(proposal(now))),
    "rulebook_proposals.close": Scenario(
        lambda store, _: store.rulebook_proposals.close("change", "bob", "no"),
        lambda store, now: store.rulebook_proposals.add(proposal(now)),
    ),
    "service_marks.value": Scenario(lambda store, _: store.service_marks.value("mark")),
    "service_marks.change": Scenario(lambda store, _: store.service_marks.change("mark", None, "text")),
    "service_marks.told": Scenario(lambda store, _: store.service_marks.told("mark", "text")),
    "sealed_keys.sealed": Scenario(lambda store, _: store.sealed_keys.sealed("tokens")),
    "sealed_keys.put_first": Scenario(lambda store, _: store.sealed_keys.put_first("tokens", b"key")),
    "sealed_keys.add": Scenario(
        lambda store, now: store.sealed_keys.add("tokens", SealedKey(2, b"newer", now), entry(now)),
        lambda store, _: store.sealed_keys.put_first("tokens", b"key"),
    ),
    "sealed_keys.use": Scenario(
        lambda store, now: store.sealed_keys.use("tokens", 1, now, entry(now)),
        lambda store, _: store.sealed_keys.put_first("tokens", b"key"),
    ),
    "sealed_keys.remove": Scenario(
        lambda store, now: store.sealed_keys.remove("tokens", [1], entry(now)),
        lambda store, _: store.sealed_keys.put_first("tokens", b"key"),
    ),
    "device_codes.begin": Scenario(lambda store, now: store.device_codes.begin("device", USER_CODE, request(now))),
    "device_codes.claim": Scenario(lambda store, _: store.device_codes.claim(USER_CODE, BROWSER), _begun),
    "device_codes.claimed": Scenario(lambda store, _: store.device_codes.claimed(USER_CODE, BROWSER), _claimed),
    "device_codes.approve": Scenario(
        lambda store, now: store.device_codes.approve(USER_CODE, BROWSER, family(now)), _claimed
    ),
    "device_codes.deny": Scenario(lambda store, _: store.device_codes.deny(USER_CODE, BROWSER), _claimed),
    "device_codes.redeem": Scenario(lambda store, now: _redeem(store, now, "device 0"), approved),
    "device_codes.redeem, in vain": Scenario(lambda store, now: _redeem(store, now, "device"), _begun),
    "authorization_codes.issue": Scenario(
        lambda store, now: store.authorization_codes.issue("code", _code(), family(now)), signed_in
    ),
    "authorization_codes.take": Scenario(
        lambda store, _: store.authorization_codes.take("code"),
        _code_issued,
    ),
    "authorization_codes.family_of": Scenario(
        lambda store, _: store.authorization_codes.family_of("code family"), let_in
    ),
    "token_families.collect": Scenario(
        lambda store, now: store.token_families.collect("family", None, pair(now)),
        _code_issued,
    ),
    "token_families.uncollected": Scenario(lambda store, _: store.token_families.uncollected("family"), let_in),
    "token_families.usable": Scenario(
        lambda store, _: store.token_families.usable("refresh family", "fedbridge", None), let_in
    ),
    "token_families.rotate": Scenario(
        lambda store, now: store.token_families.rotate("refresh family", "fedbridge", None, pair(now, "2")), let_in
    ),
    "token_families.stale": Scenario(
        lambda store, now: store.token_families.stale("refresh family", "fedbridge", now + timedelta(days=1)),
        lambda store, now: (
            let_in(store, now),
            store.token_families.rotate("refresh family", "fedbridge", None, pair(now, "2")),
        ),
    ),
    "token_families.live": Scenario(lambda store, _: store.token_families.live("access family"), let_in),
    "token_families.holding": Scenario(lambda store, _: store.token_families.holding("access family"), let_in),
    "token_families.end": Scenario(lambda store, _: store.token_families.end("family"), let_in),
    "token_families.living": Scenario(lambda store, _: store.token_families.living(), let_in),
    "token_families.beginnings": Scenario(lambda store, _: store.token_families.beginnings("corp/alice"), let_in),
    "neighbours.people": Scenario(lambda store, _: store.neighbours.people(["4:c0000201"], 9), signed_in),
    "rate_limits.take": Scenario(lambda store, _: store.rate_limits.take(_LIMITS)),
    "rate_limits.give_back": Scenario(lambda store, _: store.rate_limits.give_back(_LIMITS)),
    "scim_tokens.of": Scenario(lambda store, _: store.scim_tokens.of("corp")),
    "scim_tokens.digests": Scenario(lambda store, _: store.scim_tokens.digests("corp")),
    "scim_tokens.add": Scenario(lambda store, now: store.scim_tokens.add(_token(now), "secret")),
    "scim_tokens.remove": Scenario(lambda store, _: store.scim_tokens.remove("corp", "t"), _token_added),
    "scim_tokens.used": Scenario(lambda store, now: store.scim_tokens.used(_token(now)), _token_added),
    "provisioned.change": Scenario(lambda store, now: store.provisioned.change("corp", _told_by_scim(now))),
    "provisioned.count_users": Scenario(lambda store, _: store.provisioned.count_users("corp")),
    "provisioned.count_groups": Scenario(lambda store, _: store.provisioned.count_groups("corp")),
    "provisioned.users": Scenario(lambda store, _: store.provisioned.users("corp", most=9)),
    "provisioned.groups": Scenario(lambda store, _: store.provisioned.groups("corp", most=9)),
    "provisioned.counts": Scenario(lambda store, _: store.provisioned.counts("corp")),
    "provisioned.users_of": Scenario(
        lambda store, _: store.provisioned.users_of("corp", unjoined=True, skipped=0, most=9)
    ),
    "provisioned.each_user": Scenario(lambda store, _: list(store.provisioned.each_user("corp", 9))),
    "provisioned.members": Scenario(lambda store, _: store.provisioned.members("corp", "g")),
    "provisioned.groups_of": Scenario(lambda store, _: store.provisioned.groups_of("corp", "u")),
    "spent_proofs.spend": Scenario(lambda store, now: store.spent_proofs.spend("key", "proof", now)),
    "follow": Scenario(lambda store, _: store.follow({})),
    "audit.follow": Scenario(lambda store, _: store.audit.follow({})),
    "errands.ask": Scenario(lambda store, _: store.errands.ask("kind", "subject")),
    "errands.ask_in": Scenario(
        lambda store, _: store.audit.transact(lambda writing: store.errands.ask_in(writing, "kind", "subject"))
    ),
    "errands.take": Scenario(lambda store, _: store.errands.take("kind", "node", _MINUTE), _asked),
    "errands.finish": Scenario(lambda store, _: store.errands.finish(_errand(store), "node"), _taken),
    "errands.postpone": Scenario(
        lambda store, _: store.errands.postpone(_errand(store), "node", _MINUTE, "problem"), _taken
    ),
    "errands.drop": Scenario(lambda store, _: store.errands.drop(store.errands.waiting("kind")), _asked),
    "errands.waiting": Scenario(lambda store, _: store.errands.waiting("kind"), _asked),
    "revocations.add": Scenario(lambda store, now: store.revocations.add([revocation(now)], entry(now))),
    "revocations.of_account": Scenario(lambda store, _: store.revocations.of_account("111122223333")),
    "revocations.of_person": Scenario(lambda store, _: store.revocations.of_person("corp/alice", "111122223333")),
    "revocations.newest": Scenario(lambda store, _: store.revocations.newest(9)),
    "revocations.page": Scenario(lambda store, _: store.revocations.page(9)),
    "revocations.settle": Scenario(lambda store, now: store.revocations.settle([revocation(now)]), _revoked),
    "revocations.remove": Scenario(lambda store, now: store.revocations.remove([revocation(now)]), _revoked),
    "tallies.now": Scenario(lambda store, _: store.tallies.now()),
    "resealing.reseal": Scenario(
        lambda store, now: store.resealing.reseal(_anew(), "", lambda _: (entry(now),)), _claimed
    ),
    "restorations.begin": Scenario(
        lambda store, now: store.restorations.begin(now, block(now, "", "restore"), lambda _: [entry(now)])
    ),
    "restorations.confirm": Scenario(
        lambda store, now: store.restorations.confirm(entry(now)),
        lambda store, now: store.restorations.begin(now, block(now, "", "restore"), lambda _: [entry(now)]),
    ),
    "restorations.last": Scenario(lambda store, _: store.restorations.last()),
    "restorations.newest_entry": Scenario(lambda store, _: store.restorations.newest_entry()),
    "same_tables.look": Scenario(lambda store, _: store.same_tables.look()),
    "same_tables.demand": Scenario(lambda store, _: store.same_tables.demand()),
    "migrate": Scenario(lambda store, _: store.migrate()),
    "schema_problem": Scenario(lambda store, _: store.schema_problem()),
    "shape_problem": Scenario(lambda store, _: store.shape_problem()),
    "problem": Scenario(lambda store, _: store.problem()),
    "clock_problem": Scenario(lambda store, _: store.clock_problem()),
    "sweep": Scenario(lambda store, _: store.sweep()),
}
"""Every verb of the store; one that does two things has two."""


def _verbs(store: Store) -> Iterator[str]:
    """Every public function of every part, as `part.verb`, and the store's own."""
    for name, value in inspect.getmembers(type(store), inspect.isfunction):
        if not name.startswith("_") and value.__qualname__.startswith("Store."):
            yield name
    for part in fields(store):
        if not part.name.startswith("_"):
            noun = type(getattr(store, part.name))
            yield from (f"{part.name}.{verb}" for verb in vars(noun) if not verb.startswith("_"))


def _documented() -> dict[str, str]:
    """The table: each verb, and how it commits."""
    page = (ROOT / "docs" / "store.md").read_text("utf-8")
    return dict(_ROW.findall(page))


def test_every_verb_has_its_scenario(store: Store) -> None:
    assert {verb.partition(",")[0] for verb in SCENARIOS} == set(_verbs(store)) - {"close"}


@pytest.mark.parametrize("verb", SCENARIOS)
def test_each_verb_commits_as_the_table_in_the_documentation_says(
    own_database: OwnDatabase, clock: HeldClock, verb: str
) -> None:
    own_database.be(_AS.get(verb, postgresql.SERVING))
    store, scenario = own_database.open(), SCENARIOS[verb]
    scenario.prepare(store, clock())
    clock.advance(scenario.later)
    with commits(store) as modes:
        scenario.act(store, clock())
    said = _documented().get(verb)
    assert set(modes) == (set() if said is None else {said})


_AS = {"erasure.erase": postgresql.OWNER, "seals.archive": postgresql.ARCHIVING} | {
    "resealing.reseal": postgresql.OWNER
}
"""Who does what the service's own user may not."""


def _ordered_in_the_code() -> Iterator[str]:
    """`module.function` of every call of the product that asks not to wait for the disk."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef) and any(map(_asks_for_no_disk, ast.walk(function))):
                yield f"{path.stem}.{function.name.removeprefix('_')}"


def _asks_for_no_disk(node: ast.AST) -> bool:
    words = node.keywords if isinstance(node, ast.Call) else []
    return any(
        word.arg == "durable" and not (isinstance(word.value, ast.Constant) and word.value.value is True)
        for word in words
    )


_PASS_IT_ON = {
    "sparing.record",
    "audit_log.record",
    "audit_log.record_where",
    "audit_log.writing",
    "audit_log.transact",
    "audit_log.attempt",
    "audit_log.record_alone",
    "audit_log.record_beside",
    "audit_log._init__",
    "engine.alone",
    "engine._init__",
    "engine.transaction",
    "engine.begun",
    "engine.beginning",
    "sqlite_engine.begin",
    "postgresql_server.begin",
}
"""Who is told by others whether to wait."""


def test_whatever_does_not_wait_for_the_disk_stands_in_the_table() -> None:
    listed = {verb.partition(",")[0] for verb, mode in _documented().items() if mode == "ordered"}
    assert {
        where.removeprefix("sweeping.").removeprefix("readiness.") for where in _ordered_in_the_code()
    } - _PASS_IT_ON == listed


def test_a_durable_commit_after_an_ordered_one_waits_again(store: Store, clock: HeldClock) -> None:
    """The same connection, one after the other: nothing of the one stays for the next."""
    with commits(store) as modes:
        for durable in (False, True, True, False, True):
            store.audit.record(entry(clock()), durable=durable)
    assert modes == ["ordered", "durable", "durable", "ordered", "durable"]


# ------------------------------------------------------------------------------------------------------ round trips


@pytest.fixture
def wire(postgresql_server: postgresql.Server) -> Iterator[Wire]:
    with counting_relay(postgresql_server.port) as found:
        yield found


@pytest.fixture
def counted(postgresql_database: OwnDatabase, wire: Wire, clock: HeldClock) -> Iterator[Store]:
    """A store whose every message to PostgreSQL is counted."""
    port = postgresql_database.url.rpartition(":")[2].partition("/")[0]
    url = postgresql_database.url.replace(f":{port}/", f":{wire.port}/")
    store = open_store(url, clock=clock, integrity_key=INTEGRITY_KEY, password=postgresql_database.password)
    assert store.schema_problem() is None
    yield store
    store.close()


@pytest.mark.parametrize("is_answer", [True, False])
def test_an_admission_is_one_statement_and_one_round_trip(
    counted: Store, wire: Wire, clock: HeldClock, *, is_answer: bool
) -> None:
    wire.clear()
    left = sign_in(clock()) if is_answer else None
    counted.sessions.admit(session(clock()), "issuer", "_m", clock(), entry(clock()), sign_in=left)
    assert [said.split()[0] for said in wire.statements] == ["WITH"]
    assert wire.round_trips == 1


def test_a_sign_in_is_taken_in_one_round_trip(counted: Store, wire: Wire, clock: HeldClock) -> None:
    wire.clear()
    counted.sessions.take(sign_in(clock()))
    assert wire.round_trips == 1


def test_a_session_is_read_in_one_round_trip(counted: Store, wire: Wire, clock: HeldClock) -> None:
    counted.sessions.admit(session(clock()), "issuer", "_m", clock())
    wire.clear()
    assert counted.sessions.live(BROWSER, IDLE)
    assert wire.round_trips == 1


def test_an_ordered_entry_takes_no_round_trip_more_than_a_durable_one(
    counted: Store, wire: Wire, clock: HeldClock
) -> None:
    trips = []
    for durable in (True, False):
        wire.clear()
        counted.audit.record(entry(clock()), durable=durable)
        trips.append(wire.round_trips)
    assert trips == [1, 1]


def test_a_grant_under_a_known_name_is_recorded_in_one_round_trip(counted: Store, clock: HeldClock, wire: Wire) -> None:
    assert counted.session_names.claim("alice", "corp/alice", entry(clock()))
    wire.clear()
    assert counted.session_names.claim("alice", "corp/alice", entry(clock()))
    assert wire.round_trips == 1
    assert len(counted.audit.entries()) == 2


def test_a_grant_and_its_line_of_the_ledger_take_no_round_trip_more(
    counted: Store, clock: HeldClock, wire: Wire
) -> None:
    signed_in(counted, clock())
    assert counted.session_names.claim("alice", "corp/alice", entry(clock()))
    wire.clear()
    made, within = live_grant(clock()), session(clock(), BROWSER)
    assert counted.session_names.claim("alice", "corp/alice", entry(clock()), live=made, within=within)
    assert wire.round_trips == 1
    counted.live_grants.completed(replace(live_grant(clock()), access_key_id="ASIA1"), entry(clock()), NOBODY)
    assert wire.round_trips == 2
    assert counted.live_grants.of_key("ASIA1")
    assert len(counted.audit.entries()) == 3
