"""Every verb of the store once, with what has to be there before it.

It is longer than 300 lines because it is one list: a verb that is missing in it is found where the others stand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from block_factories import block
from family_factories import BROWSER, USER_CODE, approved, family, let_in, pair, request, signed_in
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
from federation_bridge.store import Store
from federation_bridge.store.hand_overs import Acting
from federation_bridge.store.provisioned_changes import ProvisionedChanges
from federation_bridge.store.rate_limits import Limit
from federation_bridge.store.resealing import Anew
from federation_bridge.store.writing import insertion_where

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
