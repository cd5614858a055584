"""What has to be there before an operator's verb is tried: keys, rules, changes that wait, streams, blocks."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from databases import HeldClock
from family_factories import signed_in
from mapping_factories import CONNECTIONS, REGISTER_TEXT, identity, rule, rules_text
from onboarding_factories import registered
from reached_provider import Iam
from saml_factories import ENTITY_ID, IDP, NOW, Wire, idp_signer, key_ring, stranger
from store_factories import live_grant
from transmitters import ISSUER, Sender

from federation_bridge.administration import account_checks, approvals, provider_keys, restoring, scim_tokens
from federation_bridge.administration import keys as key_verbs
from federation_bridge.administration import metadata as metadata_verbs
from federation_bridge.administration import rules as rule_verbs
from federation_bridge.administration import signals as signal_verbs
from federation_bridge.administration.approvals import Yes
from federation_bridge.administration.blocking import Blocking
from federation_bridge.administration.keys import Keys
from federation_bridge.administration.rules import Change, Rules
from federation_bridge.aws import issuer
from federation_bridge.connectors.saml.connector import SamlConnector
from federation_bridge.connectors.saml.metadata_source import Surroundings
from federation_bridge.ending import Endings
from federation_bridge.model import Author, Caller, KeptDocuments, Notice, RequestOrigin, Session
from federation_bridge.notices import SealedKeysAndNotices
from federation_bridge.rulebook import Known
from federation_bridge.rulebook.texts import Texts
from federation_bridge.sandbox.identity_provider.saml_message import metadata_xml
from federation_bridge.settings import SamlConnection
from federation_bridge.settings.aws import Aws
from federation_bridge.signing import KeyRing, Purpose
from federation_bridge.store import Store


def keys(store: Store, clock: HeldClock) -> Keys:
    kept = SealedKeysAndNotices(store.sealed_keys, clock)
    return Keys(KeyRing(bytes(32), kept, clock, "bridge.example.com"), store.sealed_keys, clock)


def rotated_keys(store: Store, clock: HeldClock) -> None:
    keys(store, clock).ring.current(Purpose.AWS_SAML)
    key_verbs.rotate(keys(store, clock), Purpose.AWS_SAML)


def used_keys(store: Store, clock: HeldClock) -> None:
    rotated_keys(store, clock)
    key_verbs.use(keys(store, clock), Purpose.AWS_SAML)
    clock.advance(timedelta(days=1))


_URL = "https://idp.example.test/metadata"
COMPANY = SamlConnection(protocol="saml", title="Company", metadata_url=_URL, subject_kind="email", hold_new_keys=True)


def asked_for(store: Store, clock: HeldClock, *signers: Any) -> metadata_verbs.Asked:
    """An operator asks the company, which publishes these keys."""
    clock.now = max(clock.now, NOW)
    wire = Wire({_URL: metadata_xml(IDP, "https://idp.example.test/sso", signers or [idp_signer()])})

    def connect(kept: KeptDocuments, notice: Callable[[Notice], None]) -> SamlConnector:
        around = Surroundings(wire, kept, clock, notice)  # type: ignore[arg-type]
        return SamlConnector("corp", COMPANY, ("https://bridge.example.test", ENTITY_ID), key_ring(), around)

    return metadata_verbs.refresh(store, clock, "corp", connect)


def waiting_look(store: Store, clock: HeldClock) -> None:
    asked_for(store, clock)
    assert "new signing keys" in asked_for(store, clock, idp_signer(), stranger()).waits
    assert metadata_verbs.waiting(store, clock, "corp")


def rules(store: Store, clock: HeldClock) -> Rules:
    return Rules(store.rulebook_versions, store.rulebook_proposals, Known(frozenset(CONNECTIONS)), clock)


def over_what_is_in_force(store: Store) -> Change:
    stands = store.rulebook_versions.in_force()
    return Change(Author("ada"), "a ticket", "" if stands is None else stands.digest)


def first_rules(store: Store, clock: HeldClock, group: str = "g") -> None:
    texts = Texts(rules_text(rule(f"{{group: {group}}}")), REGISTER_TEXT)
    rule_verbs.apply(rules(store, clock), texts, over_what_is_in_force(store))


def two_rulebooks(store: Store, clock: HeldClock) -> None:
    first_rules(store, clock)
    first_rules(store, clock, "h")


def waiting_change(store: Store, clock: HeldClock) -> None:
    """Rules are in force, and somebody wants others that wait for a second person."""
    more = "administration: [{id: a, as: administrator, connection: entra, when: {group: admins}}]\n"
    for group in ("g", "h"):
        written = rules_text(rule(f"{{group: {group}}}")) + more + 'second_person: {accounts: "111111111111"}\n'
        rule_verbs.apply(rules(store, clock), Texts(written, REGISTER_TEXT), over_what_is_in_force(store))


def asked_for_a_look(store: Store, clock: HeldClock) -> None:
    now = clock()
    session = Session("t", identity(groups=("admins",), subject="bob"), now, now, now + timedelta(hours=1))
    asking = Caller(session, RequestOrigin(reference="operator"))
    allowing = SimpleNamespace(aws=Aws(check_accounts=True))
    account_checks.ask(store, allowing, clock, asking)  # type: ignore[arg-type]


def approved_change(store: Store, clock: HeldClock) -> None:
    (waits,) = store.rulebook_proposals.waiting(9)
    now = clock()
    session = Session("t", identity(groups=("admins",), subject="bob"), now, now, now + timedelta(hours=1))
    yes = Yes(Caller(session, RequestOrigin(reference="operator")), waits.digest, "looked at it")
    approvals.approve(rules(store, clock), waits.id, yes)


def sold_session(store: Store, clock: HeldClock) -> None:
    live = live_grant(clock())
    assert store.session_names.claim(live.session_name, live.person, live=live)


def blocking_verbs(store: Store, clock: HeldClock) -> Blocking:
    return Blocking(store, Endings(store, clock), clock, timedelta(days=90), frozenset({"corp"}), {}, None)


@dataclass(frozen=True)
class Scenario:
    """One verb: what has to be there, the call, and the event that tells of it."""

    prepare: Callable[[Store, HeldClock], object]
    act: Callable[[Store, HeldClock], object]
    event: str
    is_entry_alone: bool = False
    """Whether what it changes is the audit itself."""


def scim_token(store: Store, clock: HeldClock) -> object:
    return scim_tokens.new_token(store, clock, secrets.token_bytes, "corp")


def streams_of(clock: HeldClock) -> Sender:
    made = Sender(clock)
    made.answers = {f"POST {ISSUER}/configuration": (201, {"stream_id": "s-1"})}
    made.answers[f"POST {ISSUER}/status"] = (200, {"status": "as asked"})
    return made


def asking_signals(clock: HeldClock) -> signal_verbs.Ask:
    made = streams_of(clock)
    return lambda method, url, headers, body: made.fetch(url, method=method, headers=headers, data=body)


def confirmed_keys(store: Store, clock: HeldClock) -> None:
    seen = restoring.standing(store, keys(store, clock).ring, ())
    restoring.confirm(store, Endings(store, clock), clock, seen, restoring.Confirmation(seen.code, "looked"))


def signed_in_with_a_key(store: Store, clock: HeldClock) -> None:
    signed_in(store, clock())
    keys(store, clock).ring.current(Purpose.AUDIT)


def published_keys(store: Store, clock: HeldClock) -> None:
    """An account whose provider does not have the key that waits."""
    ring = keys(store, clock).ring
    settings: Any = SimpleNamespace(saml_entity_id="https://b/saml", issuer="https://b", base_url="https://b.example")
    document = issuer.saml_metadata(ring, settings.saml_entity_id, settings.base_url).decode()
    before, descriptor, after = document.rpartition("<md:KeyDescriptor")
    iam = Iam(clock, before + after.partition(f"</{descriptor[1:]}>")[2])
    made = provider_keys.Publishing(settings, ring, iam.reach, clock, lambda _: None)
    assert provider_keys.publish(made, store, registered()).is_updated
