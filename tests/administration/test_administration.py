"""The operator's verbs: what changes something and its audit entry stand or fall together."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from administration_changes import CHANGING
from databases import HeldClock, OwnDatabase
from postgresql import OWNER
from sqlalchemy import select

import federation_bridge.administration
import federation_bridge.operate
from federation_bridge.errors import Unavailable
from federation_bridge.store import Store
from federation_bridge.store.audit_log import AuditTable
from federation_bridge.store.tables import METADATA
from federation_bridge.store.writing import Writing

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
