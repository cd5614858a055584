# ruff: noqa: F811 - fixtures are named where they are asked for
"""Pages for those who administer: there for them alone, and every change goes through the verbs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
import yaml
from administration_factories import MORE, administrator_of_files, base_of, text_in_force, texts
from administration_fixtures import ada, marked  # noqa: F401 - fixtures
from administration_pages_factories import EDIT, GET, posted
from web_factories import ACCOUNT, door_of

from federation_bridge.administration.rules import Change, Rules, apply
from federation_bridge.audit import AuditQuery
from federation_bridge.errors import Unavailable
from federation_bridge.model import Author
from federation_bridge.rulebook import Known
from federation_bridge.rulebook.following import FollowedRulebook
from federation_bridge.store.tables import METADATA


@pytest.mark.parametrize("path", GET)
@pytest.mark.parametrize("group", ["identity-team", "writers", "auditors"])
def test_whoever_administers_finds_the_pages_and_a_link_to_them(ada, clock, path, group) -> None:
    ada.sign_in(clock, group)
    assert ada.get(path).status_code == 200
    assert 'href="/administration"' in ada.get("/").text


def test_a_page_that_decides_nothing_asks_for_no_newer_rules(ada, clock, monkeypatch) -> None:
    """The link to the pages for administrators is in the frame of every page: it takes the rules as they are."""
    ada.sign_in(clock, "identity-team")
    assert ada.get("/").status_code == 200
    asked = []
    monkeypatch.setattr(FollowedRulebook, "current", lambda *_: asked.append(1))
    assert 'href="/administration"' in ada.get("/device").text
    assert asked == []


@pytest.mark.parametrize(
    "path",
    [
        *GET,
        EDIT,
        "/administration/people/corp/ada",
        "/administration/rules/administrators",
        f"/administration/accounts/{ACCOUNT}",
        "/administration/audit/export?form=csv",
    ],
)
def test_for_everybody_else_there_is_no_such_page(ada, clock, path) -> None:
    ada.sign_in(clock, "admins", "Identity-Team")
    assert ada.get(path).status_code == 404
    assert "/administration" not in ada.get("/").text


def test_rights_are_those_of_the_version_in_force_at_each_request(ada, clock, tmp_path) -> None:
    ada.sign_in(clock, "identity-team")
    assert ada.get("/administration").status_code == 200
    here = door_of(ada.app)
    rules = Rules(
        here.store.rulebook_versions, here.store.rulebook_proposals, Known(frozenset(here.settings.connections)), clock
    )
    other = texts(tmp_path, MORE.replace("identity-team", "others"))
    apply(rules, other, Change(Author("the operator"), "moved", base_of(ada)))

    assert ada.get("/administration").status_code == 404


def test_an_old_sign_in_is_made_anew_before_anything_is_shown_or_changed(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    for _ in range(4):
        clock.advance(timedelta(minutes=20))
        ada.get("/")

    page = ada.get("/administration/rules")
    assert "Please sign in again before you administer" in page.text
    assert 'value="/administration/rules"' in page.text
    assert posted(ada, "late").status_code == 401
    assert door_of(ada.app).store.rulebook_versions.number_in_force() == 1


def test_an_auditor_reads_and_changes_nothing(ada, clock) -> None:
    ada.sign_in(clock, "auditors")

    assert ada.get(EDIT).status_code == 404
    assert posted(ada, "me too").status_code == 404
    assert ada.post("/administration/versions/return", {"number": "1", "reason": "r"}).status_code == 404
    assert ada.post("/administration/changes/decision", {"change": "a", "decision": "close"}).status_code == 404


def test_no_page_that_is_only_looked_at_changes_anything(marked, clock) -> None:
    marked.sign_in(clock, "identity-team")
    change = posted(marked, "a ticket").headers["Location"]
    more = (EDIT, change, "/administration/versions/1", "/administration/people/corp/ada")
    paths = (*GET, *more, f"/administration/accounts/{ACCOUNT}", "/administration/audit/export?form=csv")
    with closing(sqlite3.connect(door_of(marked.app).settings.data / "bridge.db")) as database:

        def rows() -> dict[str, list[Any]]:
            return {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in METADATA.tables}

        before = rows()
        for path in paths:
            assert marked.get(path).status_code == 200, path
            assert rows() == before, path
        assert posted(marked, "another", group="others").status_code == 303
        assert rows() != before


def test_rules_in_files_are_shown_and_not_changed(tmp_path, clock) -> None:
    person = administrator_of_files(tmp_path, clock)
    person.get("/")

    page = person.get(EDIT).text
    assert "The rules are files on the server" in page
    assert 'value="save"' not in page
    assert "the rulebook lies in files" in posted(person, "a ticket").text
    fields, stands = {"number": "1", "reason": "back", "base_digest": base_of(person)}, text_in_force(person)
    assert person.post("/administration/versions/return", fields).status_code == 400
    assert person.post("/administration/changes/decision", {"decision": "approve", "reason": "r"}).status_code == 400
    assert text_in_force(person) == stands
    assert yaml.safe_load((tmp_path / "rules.yaml").read_text())["rules"][0]["when"] == {"group": "admins"}
    door_of(person.app).store.close()


def test_a_refused_change_is_audited_with_its_reason(ada, clock) -> None:
    ada.sign_in(clock, "identity-team")
    posted(ada, "", do="check")
    assert list(door_of(ada.app).store.audit.found(AuditQuery(event="request.refused"))) == []
    assert posted(ada, " ").status_code == 400
    (told,) = door_of(ada.app).store.audit.found(AuditQuery(event="request.refused"))
    assert (told.person, told.details["path"]) == ("corp/ada", EDIT)
    assert "a reason is needed" in str(told.details["detail"])


def test_command_lines_can_be_ended_while_the_rules_cannot_be_had(ada, clock, monkeypatch) -> None:
    ada.sign_in(clock, "identity-team")

    def gone(*_: object) -> None:
        raise Unavailable("the rules cannot be had")

    monkeypatch.setattr(type(door_of(ada.app).rulebook), "current", gone)
    assert ada.get("/command-lines").status_code == 200
    assert ada.get("/administration").status_code == 503
