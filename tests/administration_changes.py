"""Every verb of an operator that changes something, once, with what has to be there before it."""

from __future__ import annotations

import secrets
from datetime import timedelta

from administration_scenarios import (
    COMPANY,
    Scenario,
    approved_change,
    asked_for,
    asked_for_a_look,
    asking_signals,
    blocking_verbs,
    confirmed_keys,
    first_rules,
    keys,
    over_what_is_in_force,
    published_keys,
    rotated_keys,
    rules,
    scim_token,
    signed_in_with_a_key,
    sold_session,
    streams_of,
    two_rulebooks,
    used_keys,
    waiting_change,
    waiting_look,
)
from block_factories import put
from family_factories import let_in, signed_in
from transmitters import transmitter_of

from federation_bridge.administration import (
    approvals,
    aws_sessions,
    blocking,
    erasing,
    resealing,
    restoring,
    scim_tokens,
)
from federation_bridge.administration import emergencies as emergency_verbs
from federation_bridge.administration import keys as key_verbs
from federation_bridge.administration import metadata as metadata_verbs
from federation_bridge.administration import rules as rule_verbs
from federation_bridge.administration import sessions as session_verbs
from federation_bridge.administration import signals as signal_verbs
from federation_bridge.administration.blocking import BlockingRequest
from federation_bridge.audit import Entry, RulebookEmergency
from federation_bridge.ending import Endings
from federation_bridge.keys_and_endings import endings_of
from federation_bridge.model import Author, Cause, RequestOrigin
from federation_bridge.signing import Purpose

CHANGING = {
    "signals.new_token": Scenario(
        lambda store, clock: None,
        lambda store, clock: signal_verbs.new_token(store, clock, secrets.token_bytes, "corp"),
        "signal.stream_changed",
    ),
    "signals.set_up": Scenario(
        lambda store, clock: None,
        lambda store, clock: signal_verbs.set_up(
            store, transmitter_of(streams_of(clock)), asking_signals(clock), clock, secrets.token_bytes, "access"
        ),
        "signal.stream_changed",
    ),
    **{
        f"signals.{verb.__name__}": Scenario(
            lambda store, clock: signal_verbs.new_token(store, clock, secrets.token_bytes, "corp", "s-1"),
            lambda store, clock, verb=verb: verb(  # type: ignore[misc]
                store, transmitter_of(streams_of(clock)), asking_signals(clock), clock, "access"
            ),
            "signal.stream_changed",
            is_entry_alone=True,
        )
        for verb in (signal_verbs.pause, signal_verbs.resume)
    },
    "signals.remove": Scenario(
        lambda store, clock: signal_verbs.new_token(store, clock, secrets.token_bytes, "corp"),
        lambda store, clock: signal_verbs.remove(
            store, transmitter_of(streams_of(clock)), asking_signals(clock), clock, ""
        ),
        "signal.stream_changed",
    ),
    "keys.rotate": Scenario(
        lambda store, clock: keys(store, clock).ring.current(Purpose.AWS_SAML),
        lambda store, clock: key_verbs.rotate(keys(store, clock), Purpose.AWS_SAML),
        "key.made",
    ),
    "keys.use": Scenario(
        rotated_keys, lambda store, clock: key_verbs.use(keys(store, clock), Purpose.AWS_SAML), "key.used"
    ),
    "keys.retire": Scenario(
        used_keys, lambda store, clock: key_verbs.retire(keys(store, clock), Purpose.AWS_SAML), "key.retired"
    ),
    "provider_keys.publish": Scenario(
        rotated_keys,
        published_keys,
        "provider.update_settled",
        is_entry_alone=True,
    ),
    "metadata.refresh": Scenario(lambda store, clock: None, asked_for, "metadata.refreshed"),
    "metadata.accept": Scenario(
        waiting_look, lambda store, clock: metadata_verbs.accept(store, clock, "corp", COMPANY), "metadata.accepted"
    ),
    "rules.apply": Scenario(lambda store, clock: None, first_rules, "rulebook.changed"),
    "rules.return_to": Scenario(
        two_rulebooks,
        lambda store, clock: rule_verbs.return_to(rules(store, clock), 1, over_what_is_in_force(store)),
        "rulebook.changed",
    ),
    "account_checks.ask": Scenario(lambda store, clock: None, asked_for_a_look, "accounts.check_asked"),
    "approvals.approve": Scenario(waiting_change, approved_change, "rulebook.changed"),
    "approvals.close": Scenario(
        waiting_change,
        lambda store, clock: approvals.close(
            rules(store, clock), store.rulebook_proposals.waiting(9)[0].id, Author("bob"), "no"
        ),
        "rulebook.proposal_closed",
    ),
    "emergencies.acknowledge": Scenario(
        lambda store, clock: store.audit.record(
            Entry(clock(), RequestOrigin("operator"), RulebookEmergency("bob", "r", 3, "f" * 64, "marked"))
        ),
        lambda store, clock: emergency_verbs.acknowledge(
            emergency_verbs.Open(store, clock, timedelta(days=7)), 3, emergency_verbs.SeenTo(Author("eve"), "looked")
        ),
        "rulebook.emergency_seen",
        is_entry_alone=True,
    ),
    "sessions.end_of_person": Scenario(
        lambda store, clock: signed_in(store, clock()),
        lambda store, clock: session_verbs.end_of_person(store, Endings(store, clock), "corp/alice"),
        "access.ended",
    ),
    "blocking.block": Scenario(
        lambda store, clock: signed_in(store, clock()),
        lambda store, clock: blocking.block(blocking_verbs(store, clock), "corp/alice", BlockingRequest("left")),
        "block.put",
    ),
    "blocking.unblock": Scenario(
        put,
        lambda store, clock: blocking.unblock(blocking_verbs(store, clock), "corp/alice", BlockingRequest("")),
        "block.lifted",
    ),
    "blocking.begin_incident": Scenario(
        lambda store, clock: signed_in(store, clock()),
        lambda store, clock: blocking.begin_incident(
            blocking_verbs(store, clock), ["corp/alice"], BlockingRequest("a break-in")
        ),
        "block.put",
    ),
    "blocking.end_incident": Scenario(
        lambda store, clock: put(store, clock, "", "incident", "corp/alice"),
        lambda store, clock: blocking.end_incident(blocking_verbs(store, clock), BlockingRequest("")),
        "block.lifted",
    ),
    "aws_sessions.end_in_aws": Scenario(
        sold_session,
        lambda store, clock: aws_sessions.end_in_aws(
            store,
            endings_of(store, clock),
            clock,
            aws_sessions.Whose("person", "corp/alice"),
            Cause("administrator", "operator", "left"),
        ),
        "aws_sessions.end_asked",
    ),
    "erasing.erase": Scenario(
        lambda store, clock: signed_in(store, clock()),
        lambda store, clock: erasing.erase(store, keys(store, clock).ring, clock, "corp/alice", "request 17"),
        "person.erased",
    ),
    "sessions.end_of_family": Scenario(
        lambda store, clock: let_in(store, clock()),
        lambda store, clock: session_verbs.end_of_family(Endings(store, clock), "family"),
        "command_line.ended",
    ),
    "restoring.begin": Scenario(
        lambda store, clock: signed_in(store, clock()),
        lambda store, clock: restoring.begin(store, keys(store, clock).ring, clock, "a copy", None),
        "database.restored",
    ),
    "restoring.confirm": Scenario(
        lambda store, clock: restoring.begin(store, keys(store, clock).ring, clock, "a copy", None),
        confirmed_keys,
        "database.restore_confirmed",
    ),
    "resealing.reseal": Scenario(
        signed_in_with_a_key,
        lambda store, clock: resealing.reseal(
            store, resealing.SealingKeys(bytes(32), b"n" * 32), clock, secrets.token_bytes
        ),
        "sealing_key.changed",
    ),
    "scim_tokens.new_token": Scenario(lambda store, clock: None, scim_token, "scim.token_made"),
    "scim_tokens.revoke_token": Scenario(
        scim_token,
        lambda store, clock: scim_tokens.revoke_token(store, clock, "corp", scim_tokens.tokens(store, "corp")[0].id),
        "scim.token_revoked",
    ),
}
