# ruff: noqa: F811 - fixtures are named where they are asked for
"""Rules that lie in the database: what is in force when a request arrives decides on every node, or nobody does."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from database_traffic import statements
from databases import HeldClock
from documents.blocks import blocks
from sqlalchemy import select, update
from versions_fixtures import applied, for_group, run, settings  # noqa: F401 - a fixture
from web_factories import Person, door_of, write_files

from federation_bridge.app import create_app
from federation_bridge.operate.commands import commands
from federation_bridge.settings import load_settings
from federation_bridge.store import readiness
from federation_bridge.store.tables import RULEBOOK_IN_FORCE

CONTRACTORS = "contractors"


def node(settings: Path, clock: HeldClock) -> Person:
    app = create_app(load_settings(settings), clock=clock)
    app.config["TESTING"] = False
    return Person(app, app.test_client())


@pytest.fixture
def nodes(settings: Path, clock: HeldClock) -> Iterator[tuple[Person, Person]]:
    """Two nodes on one database."""
    two = node(settings, clock), node(settings, clock)
    yield two
    for one in two:
        door_of(one.app).store.close()


def has_administrator(person: Person) -> bool:
    answer = person.get("/")
    assert answer.status_code == 200, answer.status_code
    return "Administrator" in answer.get_data(as_text=True)


def test_a_version_decides_on_every_node_from_the_next_request_on(
    settings: Path, nodes: tuple[Person, Person], clock: HeldClock
) -> None:
    applied(settings)
    for one, token in zip(nodes, ("ab" * 32, "cd" * 32), strict=True):
        one.sign_in(clock, "admins", token=token)
        assert has_administrator(one)
    for_group(settings, CONTRACTORS)
    applied(settings)
    assert [has_administrator(one) for one in nodes] == [False, False]
    run(settings, "rules", "return", "1", "--reason", "too early")
    assert [has_administrator(one) for one in nodes] == [True, True]


def test_without_a_version_a_node_starts_and_decides_nothing(
    settings: Path, nodes: tuple[Person, Person], clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Our clock is held still, and PostgreSQL's is not.
    monkeypatch.setattr(readiness, "MOST_CLOCK_DIFFERENCE", timedelta.max)
    person = nodes[0]
    person.sign_in(clock, "admins")
    assert person.get("/").status_code == 503
    door_of(person.app).rulebook.watch()
    assert person.get("/readyz").status_code == 503
    applied(settings)
    assert has_administrator(person)
    assert person.get("/readyz").status_code == 200


def test_a_node_that_cannot_load_the_version_in_force_decides_nothing(
    settings: Path, nodes: tuple[Person, Person], clock: HeldClock
) -> None:
    # A version that took somebody's role away would else be ignored exactly where it cannot be read.
    applied(settings)
    one, _ = nodes
    document = yaml.safe_load(settings.read_text())
    document["connections"]["third"] = dict(document["connections"]["partner"], issuer="https://third.example.com")
    settings.write_text(yaml.safe_dump(document))
    newer = node(settings, clock)
    for person, token in ((one, "ab" * 32), (newer, "ef" * 32)):
        person.sign_in(clock, "admins", token=token)
        assert has_administrator(person)
    rules = settings.parent / "rules.yaml"
    rules.write_text(rules.read_text().replace("connection: corp", "connection: third"))
    applied(settings)
    assert one.get("/").status_code == 503
    assert one.get("/readyz").status_code == 503
    assert not has_administrator(newer)
    run(settings, "rules", "return", "1", "--reason", "a node does not know it")
    assert has_administrator(one)
    door_of(newer.app).store.close()


@pytest.mark.parametrize(
    "harm", ["UPDATE rulebook_in_force SET number = 1", "UPDATE rulebook_in_force SET name = 'gone'"]
)
def test_who_can_write_the_database_brings_no_older_rules_back(
    settings: Path, nodes: tuple[Person, Person], clock: HeldClock, harm: str
) -> None:
    person = nodes[0]
    applied(settings)
    for_group(settings, CONTRACTORS)
    applied(settings)
    person.sign_in(clock, "admins")
    assert not has_administrator(person)
    with door_of(person.app).store._database.writing() as connection:
        connection.exec_driver_sql(harm)
    assert person.get("/").status_code == 503
    assert "Version 3 is in force" in applied(settings)


def test_who_kept_an_older_row_with_its_mac_brings_no_older_rules_back(
    settings: Path, nodes: tuple[Person, Person], clock: HeldClock
) -> None:
    one, other = nodes
    applied(settings)
    one.sign_in(clock, "admins")
    database = door_of(one.app).store._database
    with database.writing() as connection:
        kept = connection.execute(select(RULEBOOK_IN_FORCE)).one()
    for_group(settings, CONTRACTORS)
    applied(settings)
    assert not has_administrator(one)
    with database.writing() as connection:
        connection.execute(update(RULEBOOK_IN_FORCE).values(number=kept.number, mac=kept.mac))
    other.sign_in(clock, "admins", token="cd" * 32)
    assert [person.get("/").status_code for person in (one, other)] == [503, 503]
    assert "was put back without a change" in (door_of(one.app).rulebook.obstacle or "")
    run(settings, "rules", "return", "2", "--reason", "somebody wrote the database")
    assert not has_administrator(one)


@pytest.mark.parametrize("source", ["files", "database"])
def test_the_number_in_force_costs_no_statement_of_its_own(settings: Path, clock: HeldClock, source: str) -> None:
    applied(settings)
    document = yaml.safe_load(settings.read_text())
    if source == "files":
        many = {"source": "files", "files_on_many_nodes": True}
        document |= {"rulebook": many, "rules": "rules.yaml", "accounts": "accounts.yaml"}
        settings.write_text(yaml.safe_dump(document))
    person = node(settings, clock)
    person.sign_in(clock, "admins")
    assert has_administrator(person)
    with statements(door_of(person.app).store) as heard:
        assert has_administrator(person)
    door_of(person.app).store.close()
    assert sum("rulebook_in_force" in text for text in heard) == 1
    assert not any("rulebook_versions" in text for text in heard)


def test_the_page_of_administration_leads_from_no_version_to_a_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = {name.removeprefix("docs/administration.md "): block for name, block in blocks().items()}
    path = write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    document = yaml.safe_load(path.read_text())
    del document["rules"], document["accounts"]
    path.write_text(yaml.safe_dump(document | yaml.safe_load(shown["yaml 1"].text)))

    def follow(block: str, digest: str = "") -> None:
        lines = shown[block].text.splitlines()
        for line in (one.removeprefix("$ ") for one in lines if one.startswith("$ ")):
            program, *words = shlex.split(line.replace("1f0c9a42", digest), comments=True)
            assert program == "federation-bridge"
            run(path, *words)

    follow("console 1")
    for_group(path, "platform")
    follow("console 2", run(path, "rules", "history").split()[3])
    for group in ("third", "fourth"):
        for_group(path, group)
        applied(path)
    follow("console 3")
    assert run(path, "rules", "history").splitlines()[0].endswith("4 took too much")


def test_a_marked_change_waits_as_the_page_says(settings: Path) -> None:
    rules = settings.parent / "rules.yaml"
    name = yaml.safe_load(rules.read_text())["rules"][0]["id"]
    rules.write_text(f"{rules.read_text()}second_person: {{rules: [{name}]}}\n")
    applied(settings)
    for_group(settings, CONTRACTORS)
    shown = blocks()["docs/administration.md console 7"].text

    waits = CliRunner().invoke(commands, ["rules", "apply", str(rules), "--reason", "t", "--settings", str(settings)])
    assert waits.exit_code == 3
    change = waits.stdout.split()[1]
    for line in (f"Two people have to agree: rule {name} is marked.\n", waits.stdout):
        assert line.replace(name, "platform-admins").replace(change, "5be1f0c2a7d94e31") in shown
    assert waits.stderr.startswith("Two people have to agree")

    assert change in run(settings, "rules", "proposals")
    assert "* " in run(settings, "rules", "history").splitlines()[0][:2]
    assert len(run(settings, "rules", "history").splitlines()) == 1
    assert "rulebook.emergency" in applied(settings, "--emergency", status=1)
    run(settings, "rules", "close", change, "--reason", "not needed any more")
    assert run(settings, "rules", "proposals") == ""
    assert "does not wait any more" in run(settings, "rules", "close", change, "--reason", "again", status=1)
