"""The operator's verbs: what changes something and its audit entry stand or fall together."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import secrets
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from block_factories import put
from databases import HeldClock, OwnDatabase
from family_factories import let_in, signed_in
from mapping_factories import CONNECTIONS, REGISTER_TEXT, identity, rule, rules_text
from onboarding_factories import registered
from postgresql import OWNER
from reached_provider import Iam
from saml_factories import ENTITY_ID, IDP, NOW, Wire, idp_signer, key_ring, stranger
from sqlalchemy import select
from store_factories import live_grant
from transmitters import ISSUER, Sender, transmitter_of

import federation_bridge.administration
import federation_bridge.operate
from federation_bridge.administration import (
    account_checks,
    approvals,
    aws_sessions,
    blocking,
    erasing,
    provider_keys,
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
from federation_bridge.administration.approvals import Yes
from federation_bridge.administration.blocking import Blocking, BlockingRequest
from federation_bridge.administration.keys import Keys
from federation_bridge.administration.rules import Change, Rules
from federation_bridge.audit import Entry, RulebookEmergency
from federation_bridge.aws import issuer
from federation_bridge.connectors.saml.connector import SamlConnector
from federation_bridge.connectors.saml.metadata_source import Surroundings
from federation_bridge.ending import Endings
from federation_bridge.errors import BridgeError, Unavailable
from federation_bridge.keys_and_endings import endings_of
from federation_bridge.model import Author, Caller, Cause, KeptDocuments, Notice, RequestOrigin, Session
from federation_bridge.notices import SealedKeysAndNotices
from federation_bridge.rulebook import Known
from federation_bridge.rulebook.texts import Texts
from federation_bridge.sandbox.identity_provider.saml_message import metadata_xml
from federation_bridge.settings import SamlConnection
from federation_bridge.settings.aws import Aws
from federation_bridge.signing import KeyRing, Purpose
from federation_bridge.signing.changes import FirstKeyMade
from federation_bridge.store import Store
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.tables import METADATA
from federation_bridge.store.writing import Writing


def keys(store: Store, clock: HeldClock) -> Keys:
    kept = SealedKeysAndNotices(store.sealed_keys, clock)
    return Keys(KeyRing(bytes(32), kept, clock, "bridge.example.com"), store.sealed_keys, clock)


def _rotated(store: Store, clock: HeldClock) -> None:
    keys(store, clock).ring.current(Purpose.AWS_SAML)
    key_verbs.rotate(keys(store, clock), Purpose.AWS_SAML)


def _used(store: Store, clock: HeldClock) -> None:
    _rotated(store, clock)
    key_verbs.use(keys(store, clock), Purpose.AWS_SAML)
    clock.advance(timedelta(days=1))


_URL = "https://idp.example.test/metadata"
_COMPANY = SamlConnection(protocol="saml", title="Company", metadata_url=_URL, subject_kind="email", hold_new_keys=True)


def _asked(store: Store, clock: HeldClock, *signers: Any) -> metadata_verbs.Asked:
    """An operator asks the company, which publishes these keys."""
    clock.now = max(clock.now, NOW)
    wire = Wire({_URL: metadata_xml(IDP, "https://idp.example.test/sso", signers or [idp_signer()])})

    def connect(kept: KeptDocuments, notice: Callable[[Notice], None]) -> SamlConnector:
        around = Surroundings(wire, kept, clock, notice)  # type: ignore[arg-type]
        return SamlConnector("corp", _COMPANY, ("https://bridge.example.test", ENTITY_ID), key_ring(), around)

    return metadata_verbs.refresh(store, clock, "corp", connect)


def _waits(store: Store, clock: HeldClock) -> None:
    _asked(store, clock)
    assert "new signing keys" in _asked(store, clock, idp_signer(), stranger()).waits
    assert metadata_verbs.waiting(store, clock, "corp")


def rules(store: Store, clock: HeldClock) -> Rules:
    return Rules(store.rulebook_versions, store.rulebook_proposals, Known(frozenset(CONNECTIONS)), clock)


def _over_what_is_in_force(store: Store) -> Change:
    stands = store.rulebook_versions.in_force()
    return Change(Author("ada"), "a ticket", "" if stands is None else stands.digest)


def _first_rules(store: Store, clock: HeldClock, group: str = "g") -> None:
    texts = Texts(rules_text(rule(f"{{group: {group}}}")), REGISTER_TEXT)
    rule_verbs.apply(rules(store, clock), texts, _over_what_is_in_force(store))


def _two_rulebooks(store: Store, clock: HeldClock) -> None:
    _first_rules(store, clock)
    _first_rules(store, clock, "h")


def _waiting_change(store: Store, clock: HeldClock) -> None:
    """Rules are in force, and somebody wants others that wait for a second person."""
    more = "administration: [{id: a, as: administrator, connection: entra, when: {group: admins}}]\n"
    for group in ("g", "h"):
        written = rules_text(rule(f"{{group: {group}}}")) + more + 'second_person: {accounts: "111111111111"}\n'
        rule_verbs.apply(rules(store, clock), Texts(written, REGISTER_TEXT), _over_what_is_in_force(store))


def _asked_for_a_look(store: Store, clock: HeldClock) -> None:
    now = clock()
    session = Session("t", identity(groups=("admins",), subject="bob"), now, now, now + timedelta(hours=1))
    asking = Caller(session, RequestOrigin(reference="operator"))
    allowing = SimpleNamespace(aws=Aws(check_accounts=True))
    account_checks.ask(store, allowing, clock, asking)  # type: ignore[arg-type]


def _approved(store: Store, clock: HeldClock) -> None:
    (waits,) = store.rulebook_proposals.waiting(9)
    now = clock()
    session = Session("t", identity(groups=("admins",), subject="bob"), now, now, now + timedelta(hours=1))
    yes = Yes(Caller(session, RequestOrigin(reference="operator")), waits.digest, "looked at it")
    approvals.approve(rules(store, clock), waits.id, yes)


def _sold(store: Store, clock: HeldClock) -> None:
    live = live_grant(clock())
    assert store.session_names.claim(live.session_name, live.person, live=live)


def _blocking(store: Store, clock: HeldClock) -> Blocking:
    return Blocking(store, Endings(store, clock), clock, timedelta(days=90), frozenset({"corp"}), {}, None)


@dataclass(frozen=True)
class Scenario:
    """One verb: what has to be there, the call, and the event that tells of it."""

    prepare: Callable[[Store, HeldClock], object]
    act: Callable[[Store, HeldClock], object]
    event: str
    is_entry_alone: bool = False
    """Whether what it changes is the audit itself."""


def _scim_token(store: Store, clock: HeldClock) -> object:
    return scim_tokens.new_token(store, clock, secrets.token_bytes, "corp")


def _signals(clock: HeldClock) -> Sender:
    made = Sender(clock)
    made.answers = {f"POST {ISSUER}/configuration": (201, {"stream_id": "s-1"})}
    made.answers[f"POST {ISSUER}/status"] = (200, {"status": "as asked"})
    return made


def _asking_signals(clock: HeldClock) -> signal_verbs.Ask:
    made = _signals(clock)
    return lambda method, url, headers, body: made.fetch(url, method=method, headers=headers, data=body)


def _confirmed(store: Store, clock: HeldClock) -> None:
    seen = restoring.standing(store, keys(store, clock).ring, ())
    restoring.confirm(store, Endings(store, clock), clock, seen, restoring.Confirmation(seen.code, "looked"))


def _signed_in_with_a_key(store: Store, clock: HeldClock) -> None:
    signed_in(store, clock())
    keys(store, clock).ring.current(Purpose.AUDIT)


def _published(store: Store, clock: HeldClock) -> None:
    """An account whose provider does not have the key that waits."""
    ring = keys(store, clock).ring
    settings: Any = SimpleNamespace(saml_entity_id="https://b/saml", issuer="https://b", base_url="https://b.example")
    document = issuer.saml_metadata(ring, settings.saml_entity_id, settings.base_url).decode()
    before, descriptor, after = document.rpartition("<md:KeyDescriptor")
    iam = Iam(clock, before + after.partition(f"</{descriptor[1:]}>")[2])
    made = provider_keys.Publishing(settings, ring, iam.reach, clock, lambda _: None)
    assert provider_keys.publish(made, store, registered()).is_updated


CHANGING = {
    "signals.new_token": Scenario(
        lambda store, clock: None,
        lambda store, clock: signal_verbs.new_token(store, clock, secrets.token_bytes, "corp"),
        "signal.stream_changed",
    ),
    "signals.set_up": Scenario(
        lambda store, clock: None,
        lambda store, clock: signal_verbs.set_up(
            store, transmitter_of(_signals(clock)), _asking_signals(clock), clock, secrets.token_bytes, "access"
        ),
        "signal.stream_changed",
    ),
    **{
        f"signals.{verb.__name__}": Scenario(
            lambda store, clock: signal_verbs.new_token(store, clock, secrets.token_bytes, "corp", "s-1"),
            lambda store, clock, verb=verb: verb(  # type: ignore[misc]
                store, transmitter_of(_signals(clock)), _asking_signals(clock), clock, "access"
            ),
            "signal.stream_changed",
            is_entry_alone=True,
        )
        for verb in (signal_verbs.pause, signal_verbs.resume)
    },
    "signals.remove": Scenario(
        lambda store, clock: signal_verbs.new_token(store, clock, secrets.token_bytes, "corp"),
        lambda store, clock: signal_verbs.remove(
            store, transmitter_of(_signals(clock)), _asking_signals(clock), clock, ""
        ),
        "signal.stream_changed",
    ),
    "keys.rotate": Scenario(
        lambda store, clock: keys(store, clock).ring.current(Purpose.AWS_SAML),
        lambda store, clock: key_verbs.rotate(keys(store, clock), Purpose.AWS_SAML),
        "key.made",
    ),
    "keys.use": Scenario(
        _rotated, lambda store, clock: key_verbs.use(keys(store, clock), Purpose.AWS_SAML), "key.used"
    ),
    "keys.retire": Scenario(
        _used, lambda store, clock: key_verbs.retire(keys(store, clock), Purpose.AWS_SAML), "key.retired"
    ),
    "provider_keys.publish": Scenario(
        _rotated,
        _published,
        "provider.update_settled",
        is_entry_alone=True,
    ),
    "metadata.refresh": Scenario(lambda store, clock: None, _asked, "metadata.refreshed"),
    "metadata.accept": Scenario(
        _waits, lambda store, clock: metadata_verbs.accept(store, clock, "corp", _COMPANY), "metadata.accepted"
    ),
    "rules.apply": Scenario(lambda store, clock: None, _first_rules, "rulebook.changed"),
    "rules.return_to": Scenario(
        _two_rulebooks,
        lambda store, clock: rule_verbs.return_to(rules(store, clock), 1, _over_what_is_in_force(store)),
        "rulebook.changed",
    ),
    "account_checks.ask": Scenario(lambda store, clock: None, _asked_for_a_look, "accounts.check_asked"),
    "approvals.approve": Scenario(_waiting_change, _approved, "rulebook.changed"),
    "approvals.close": Scenario(
        _waiting_change,
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
        lambda store, clock: blocking.block(_blocking(store, clock), "corp/alice", BlockingRequest("left")),
        "block.put",
    ),
    "blocking.unblock": Scenario(
        put,
        lambda store, clock: blocking.unblock(_blocking(store, clock), "corp/alice", BlockingRequest("")),
        "block.lifted",
    ),
    "blocking.begin_incident": Scenario(
        lambda store, clock: signed_in(store, clock()),
        lambda store, clock: blocking.begin_incident(
            _blocking(store, clock), ["corp/alice"], BlockingRequest("a break-in")
        ),
        "block.put",
    ),
    "blocking.end_incident": Scenario(
        lambda store, clock: put(store, clock, "", "incident", "corp/alice"),
        lambda store, clock: blocking.end_incident(_blocking(store, clock), BlockingRequest("")),
        "block.lifted",
    ),
    "aws_sessions.end_in_aws": Scenario(
        _sold,
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
        _confirmed,
        "database.restore_confirmed",
    ),
    "resealing.reseal": Scenario(
        _signed_in_with_a_key,
        lambda store, clock: resealing.reseal(
            store, resealing.SealingKeys(bytes(32), b"n" * 32), clock, secrets.token_bytes
        ),
        "sealing_key.changed",
    ),
    "scim_tokens.new_token": Scenario(lambda store, clock: None, _scim_token, "scim.token_made"),
    "scim_tokens.revoke_token": Scenario(
        _scim_token,
        lambda store, clock: scim_tokens.revoke_token(store, clock, "corp", scim_tokens.tokens(store, "corp")[0].id),
        "scim.token_revoked",
    ),
}
# Copies a file: tests/operate/test_backup_commands.py holds that none is left behind that could not be audited.
OF_FILES = {"backing_up.back_up"}
_AS_OWNER = {"resealing.reseal"}
"""What the service's own user of PostgreSQL may not."""
LOOKING = {
    "resealing.is_done",
    *(f"backing_up.{name}" for name in ("backup_key", "checked", "lines_of")),
    *(f"restoring.{name}" for name in ("standing", "waiting")),
    *(f"aws_sessions.{name}" for name in ("aws_endings", "all_aws_endings", "lines_of")),
    *(f"aws_sessions.{name}" for name in ("printable_whole", "waits_for_somebody")),
    *(f"blocking.{name}" for name in ("standing", "left_behind", "lines_of")),
    *(f"signals.{name}" for name in ("status", "verify", "asking", "transmitters")),
    "signal_streams.standing",
    *(f"live_grants.{name}" for name in ("alive", "use_of_key")),
    *(f"scim_told.{name}" for name in ("standing", "users_told", "groups_told", "joining_of")),
    "erasing.kept",
    "scim_tokens.tokens",
    "scim_tokens.token_of",
    *(f"account_plans.{name}" for name in ("chosen", "ours", "additions", "needed", "checked")),
    *(f"account_checks.{name}" for name in ("last", "waiting")),
    *(f"account_search.{name}" for name in ("account_has_words", "mapped_roles", "last_grant_in")),
    "keys.states",
    *(f"provider_keys.{name}" for name in ("standing", "retired_keys")),
    "metadata.waiting",
    "approvals.author_of",
    "change_rights.check_rights",
    "told_words.check_words",
    *(f"rules.{name}" for name in ("propose", "foresee", "changed_meanwhile", "check_writable", "entry")),
    *(f"audit.{name}" for name in ("sealed", "verification", "json_text", "json_lines", "csv_lines")),
    *(f"explaining.{name}" for name in ("explained", "check_role", "lines_of", "document_of")),
    *(f"people.{name}" for name in ("groups_of_then", "identities_in", "identities_seen", "person_at", "person_seen")),
    "sign_in_advice.advice",
    "emergencies.emergencies",
    "nodes.nodes",
    *(f"foreseen.{name}" for name in ("all_foreseen", "both", "document_of", "foreseen_at", "read_foreseen")),
    *(f"sign_in_record.{name}" for name in ("document_of", "lines_of", "safe", "told")),
    *(f"sign_ins.{name}" for name in ("line_of", "outcome_of", "sign_ins")),
    *(f"rule_form.{name}" for name in ("field_at", "fields_of", "rule_of")),
    *(f"rule_conditions.{name}" for name in ("one_or_list", "read_when", "texts_in", "write_when")),
    "accounts_given.read_accounts",
    *(f"account_form.{name}" for name in ("fields_of", "account_of", "field_at")),
    *(f"account_import.{name}" for name in ("difference", "lines_of")),
    "spreadsheet.is_formula",
    *(f"third_person.{name}" for name in ("about_them", "in_third_person", "shown_about_them")),
    "review.review",
    *(f"review_forms.{name}" for name in ("csv_lines", "json_lines", "table_lines", "document_of", "folded")),
    "review_facts.gathered",
    "rule_ages.rules_since",
    "rule_ages.number_at",
    *(f"rule_search.{name}" for name in ("roles_of", "has_words", "fits", "terms_of")),
    "rule_use.uses_of_rules",
    "rule_use.rule_uses",
    "spreadsheet.csv_line",
    *(f"preview.{name}" for name in ("preview", "lines_of", "document_of", "few")),
    "sealing.opener",
    "sealing.public_keys",
}


def _verbs() -> set[str]:
    found = set()
    for module in pkgutil.iter_modules(federation_bridge.administration.__path__):
        part = importlib.import_module(f"federation_bridge.administration.{module.name}")
        found |= {
            f"{module.name}.{name}"
            for name, one in inspect.getmembers(part, inspect.isfunction)
            if not name.startswith("_") and one.__module__ == part.__name__
        }
    return found


def test_every_verb_is_known_to_change_or_to_look() -> None:
    assert _verbs() == set(CHANGING) | LOOKING | OF_FILES


# What the service does by itself is a method: of what changes something, where a test holds that its entry goes along.
OF_THE_SERVICE = {
    "AccountChecks.look": ("administration/test_account_checks.py", "test_what_the_audit_does_not_take_is_not_kept"),
    "AuditArchiving.archive": ("conformance/test_audit_seals.py", "test_a_crash_within_the_deletion_keeps_the_rows"),
}
WITHOUT_ENTRY = {
    "AuditSealing.seal": "it signs what the audit holds",
    "UnseenSessions.look": "it asks; what ends is ended, and told, by the verb that ends",
    "NodeStanding.watch": "what a node says of itself each second is no act",
    "NodeStanding.follow": "as `watch`",
    "LastSeal.note": "it writes a file beside the database",
    "LastSeal.forget": "as `note`",
    "Lease.held": "which node does a thing is no act",
    "Reached.update": "the way to AWS alone: `provider_keys.publish` goes it, and writes the entries",
}
"""What else changes something, and why no entry tells of it."""
_ONLY_TELLING = {
    "Rules.foreseen",
    "LastSeal.of",
    "LastSeal.problem",
    "KeptCheck.age",
    "KeptCheck.is_old",
    "Reached.read",
}
_ONLY_TELLING |= {"KeptCheck.count", "KeyUse.is_alive", "Node.is_silent", "Folded.add", "ConnectionTold.quiet"}


def _methods() -> set[str]:
    found: set[str] = set()
    for module in pkgutil.iter_modules(federation_bridge.administration.__path__):
        part = importlib.import_module(f"federation_bridge.administration.{module.name}")
        for name, one in inspect.getmembers(part, inspect.isclass):
            if one.__module__ == part.__name__ and not name.startswith("_"):
                own = (given for given, said in vars(one).items() if callable(said) or isinstance(said, classmethod))
                found |= {f"{name}.{given}" for given in own if not given.startswith("_")}
    return found


def test_every_method_is_known_to_change_or_to_tell() -> None:
    assert _methods() == set(OF_THE_SERVICE) | set(WITHOUT_ENTRY) | _ONLY_TELLING
    for file, test in OF_THE_SERVICE.values():
        assert f"def {test}(" in (Path(__file__).parents[1] / file).read_text("utf-8")


def everything(store: Store) -> dict[str, list[Any]]:
    """Every row of every table but for the audit."""
    with store._database.reading() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)).all()))
            for table in METADATA.sorted_tables
            if table.name != "audit"
        }


@pytest.mark.parametrize("verb", CHANGING)
def test_a_verb_that_cannot_be_audited_changes_nothing(
    own_database: OwnDatabase, clock: HeldClock, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if verb in _AS_OWNER:
        own_database.be(OWNER)
    store, scenario = own_database.open(), CHANGING[verb]
    scenario.prepare(store, clock)
    before = everything(store)

    def refused(*_: object) -> None:
        raise Unavailable("the audit takes nothing")

    with monkeypatch.context() as broken, pytest.raises(Unavailable, match="takes nothing"):
        broken.setattr(Writing, "record", refused)
        broken.setattr(AuditTable, "record", refused)
        scenario.act(store, clock)
    assert everything(store) == before
    scenario.act(store, clock)
    assert (everything(store) != before) is not scenario.is_entry_alone
    newest = store.audit.entries(limit=1)[0]
    assert (newest.event, newest.reference) == (scenario.event, "operator")


# --------------------------------------------------------------------------------------------- the terminal's modules

_OPERATE = Path(federation_bridge.operate.__file__).parent
_READS = {
    "audit": {"begins_at", "entries", "found", "last_uses", "numbered", "rules_used"},
    "documents": {"last_good", "version", "look"},
    "rulebook_versions": {"history", "in_force", "number_in_force", "version"},
    "sealed_keys": {"sealed"},
    "people": {"each_seen_since", "one", "seen_since"},
    "rulebook_proposals": {"find", "waiting"},
    "service_marks": {"value"},
    "sessions": {"living", "live"},
    "token_families": {"living", "live", "usable", "beginnings"},
}
"""What a command may ask of a part of the store. Whatever else it wants is a verb of `administration`."""


def _own_use_of_the_store(source: str) -> list[str]:
    """Where this text calls more of a store than what reads, or gives a part of one to others than `administration`."""
    tree = ast.parse(source)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    verbs = {
        name.asname or name.name for node in imports for name in node.names if "administration" in str(node.module)
    }
    parts = {part.name for part in fields(Store) if not part.name.startswith("_")}
    allowed: set[ast.expr] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
            allowed |= {node.value} if node.attr in _READS.get(node.value.attr, ()) else set()
        if isinstance(node, ast.Call) and ast.unparse(node.func).partition(".")[0] in verbs:
            allowed |= {*node.args, *(word.value for word in node.keywords)}
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in parts and _is_a_store(node.value) and node not in allowed
    ]


def _is_a_store(node: ast.expr) -> bool:
    return (node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")) == "store"


@pytest.mark.parametrize("path", sorted(_OPERATE.rglob("*.py")), ids=lambda path: str(path.relative_to(_OPERATE)))
def test_no_command_changes_something_past_the_verbs(path: Path) -> None:
    source = path.read_text("utf-8")
    assert _own_use_of_the_store(source) == []
    # Nor does it write an entry of its own: the verb's entry stands in the verb's transaction.
    assert not {"Entry", "Notices"} & {
        name.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) for name in node.names
    }


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("store.documents.accept(yes)", ["store.documents"]),
        ("parts.store.sessions.end_of_person(person)", ["parts.store.sessions"]),
        ("kept = store.documents\nkept.keep('rules', 'rulebook', '')", ["store.documents"]),
        ("Notices(store.audit, clock)", ["store.audit"]),
        ("from federation_bridge.administration.keys import Keys\nKeys(ring, store.sealed_keys, clock)", []),
        ("for one in store.sessions.living(): pass", []),
    ],
)
def test_a_command_that_writes_by_itself_would_be_found(source: str, found: list[str]) -> None:
    assert _own_use_of_the_store(source) == found


# ------------------------------------------------------------------------------------------------------ the first key


def test_a_first_key_that_cannot_be_audited_is_not_made(
    own_database: OwnDatabase, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = own_database.open()
    ring = KeyRing(bytes(32), SealedKeysAndNotices(store.sealed_keys, clock), clock, "bridge.example.com")

    def refused(*_: object, **__: object) -> None:
        raise Unavailable("the audit takes nothing")

    with monkeypatch.context() as broken, pytest.raises(BridgeError, match="takes nothing"):
        broken.setattr(Writing, "record", refused)
        ring.current(Purpose.TOKENS)
    assert store.sealed_keys.sealed("tokens") == ()
    made = ring.current(Purpose.TOKENS)
    (told,) = store.audit.entries(event="key.made")
    assert told.details == {"purpose": "tokens", "kid": made.kid}


def test_a_key_that_another_process_made_first_is_told_once(own_database: OwnDatabase, clock: HeldClock) -> None:
    store = own_database.open()
    kept = SealedKeysAndNotices(store.sealed_keys, clock)
    for _ in range(2):
        KeyRing(bytes(32), kept, clock, "bridge.example.com").current(Purpose.TOKENS)
    kept.put_first("tokens", b"another", FirstKeyMade("tokens", "another"))
    assert len(store.audit.entries(event="key.made")) == 1
