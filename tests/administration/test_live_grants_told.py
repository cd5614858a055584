"""What is alive in AWS, and who used an access key: by verb, command, page and API, and what each may not know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import live_grant_factories as factories
import pytest
from administration_api_factories import Line, administered, browser_of, let_in
from click.testing import CliRunner
from databases import HeldClock
from live_grant_factories import KEY, made, sold
from web_factories import Person, door_of

from federation_bridge.administration.live_grants import alive, use_of_key
from federation_bridge.errors import NotFound
from federation_bridge.model import LiveGrantQuery
from federation_bridge.operate.commands import commands
from federation_bridge.store import Store

ACCOUNT = "123456789012"


@pytest.fixture
def ada(tmp_path: Path, clock: HeldClock) -> Iterator[Person]:
    yield from administered(tmp_path, clock)


@pytest.fixture
def auditor(ada: Person, clock: HeldClock) -> Person:
    return browser_of(ada, clock, "auditor", "auditors")[0]


def books(person: Person) -> Store:
    return door_of(person.app).store


# ------------------------------------------------------------------------------------------------- who used this key


def test_who_used_a_key_is_known_while_its_session_lives_and_long_after(store: Store, clock: HeldClock) -> None:
    line = sold(store, clock())
    use = use_of_key(store, f" {KEY}\n")
    assert (use.person, use.account, use.role, use.session_name) == ("corp/ada", ACCOUNT, "Admin", "ada")
    assert (use.grant_id, use.rule, use.reason, use.reference) == (line.id, "admins", "a deployment", "ref-grant")
    assert (use.ends_at, use.is_alive(clock()), use.is_handed_out) == (line.ends_at, True, True)
    clock.advance(timedelta(days=30))
    store.sweep()
    assert store.live_grants.of_key(KEY) == ()
    assert use_of_key(store, KEY) == use
    assert not use.is_alive(clock())


def test_a_key_that_nobody_received_says_so(store: Store, clock: HeldClock) -> None:
    factories.refused(store, clock(), KEY)
    use = use_of_key(store, KEY)
    assert (use.person, use.is_handed_out) == ("corp/ada", False)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("ASIAEXAMPLEEXAMPLE99", "handed over"),
        ("AKIAEXAMPLEEXAMPLE12", "key of an IAM user"),
        ("asiaexampleexample12", "is no access key id"),
        ("", "is no access key id"),
        ("ASIA' OR '1'='1", "is no access key id"),
        ("A" * 129, "is no access key id"),
    ],
)
def test_a_key_that_is_not_in_the_books_is_refused_with_what_that_means(
    store: Store, clock: HeldClock, key: str, why: str
) -> None:
    sold(store, clock())
    with pytest.raises(NotFound, match=why):
        use_of_key(store, key)


@pytest.mark.usefixtures("as_owner")
def test_whose_key_it_was_is_erased_with_its_person(store: Store, clock: HeldClock) -> None:
    sold(store, clock())
    store.erasure.erase([(row.number, "digest:statement") for row in store.erasure.entries("corp/ada")])
    with pytest.raises(NotFound, match="erased"):
        use_of_key(store, KEY)


# ------------------------------------------------------------------------------------------------------ what is alive


def test_everything_alive_is_told_a_page_in_memory_at_a_time(
    store: Store, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("federation_bridge.administration.live_grants._PAGE", 2)
    lines = [made(store, clock(), grant_id=f"_{number}") for number in range(5)]
    assert {one.id for one in alive(store, LiveGrantQuery())} == {one.id for one in lines}
    assert list(alive(store, LiveGrantQuery(role="Audit"))) == []
    clock.advance(timedelta(hours=1))
    assert list(alive(store, LiveGrantQuery())) == []


def run(settings: Path, *words: str) -> Any:
    return CliRunner().invoke(commands, [*words[:2], "--settings", str(settings), *words[2:]])


def test_the_commands_tell_it_in_lines_and_in_json(ada: Person, clock: HeldClock, tmp_path: Path) -> None:
    now = clock()
    sold(books(ada), now)
    made(books(ada), now, "corp/bob", "_bob", is_handed_over=True)
    settings = tmp_path / "federation-bridge.yaml"
    # The command goes by the real clock: what the held one made has long been over, or has not begun.
    found = run(settings, "grants", "key", KEY)
    assert found.exit_code == 0, found.output
    assert "corp/ada" in found.output and f"{ACCOUNT}/Admin" in found.output
    told = json.loads(run(settings, "grants", "key", KEY, "--json").output)
    assert (told["person"], told["access_key_id"]) == ("corp/ada", KEY)
    unknown = run(settings, "grants", "key", "ASIAEXAMPLEEXAMPLE99")
    assert isinstance(unknown.exception, NotFound)
    assert run(settings, "grants", "alive", "--person", "corp/nobody").output == ""


def test_a_page_tells_what_is_alive_and_leads_on(
    ada: Person, auditor: Person, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("federation_bridge.web.administration.live_grants._MOST_SHOWN", 1)
    sold(books(ada), clock())
    made(books(ada), clock(), "corp/bob", "_bob", is_handed_over=True)
    first = auditor.get("/administration/grants").text
    assert "corp/bob" in first and "AWS alone knows its keys" in first and "corp/ada" not in first
    after = first.split("after=")[1].split('"')[0]
    second = auditor.get(f"/administration/grants?after={after}").text
    assert KEY in second and "corp/bob" not in second and ">More</a>" not in second
    assert KEY in auditor.get("/administration/grants?person=corp/ada").text
    assert "Nothing is alive" in auditor.get("/administration/grants?role=Audit").text
    assert auditor.get("/administration/grants?after=x+y").status_code == 400
    assert auditor.get("/administration/grants?after=0001-01-01T00:00:00%2B14:00+y").status_code == 400


def test_a_page_tells_who_used_a_key_in_the_readers_language(ada: Person, auditor: Person, clock: HeldClock) -> None:
    sold(books(ada), clock())
    page = auditor.get(f"/administration/grants/key?key={KEY}")
    assert page.status_code == 200 and "corp/ada" in page.text and "a deployment" in page.text
    unknown = auditor.get("/administration/grants/key?key=AKIAEXAMPLEEXAMPLE12")
    assert unknown.status_code == 404 and "key of an IAM user" in unknown.text
    assert "谁使用了此访问密钥" in auditor.get("/administration/grants/key", **{"Accept-Language": "zh-CN"}).text


def test_the_api_pages_and_narrows_and_refuses_what_is_not_there(ada: Person, clock: HeldClock) -> None:
    sold(books(ada), clock())
    made(books(ada), clock(), "corp/bob", "_bob", is_handed_over=True)
    line: Line = let_in(ada, clock, "auditors")
    first = line.get("/grants/alive", limit=1).get_json()
    rest = line.get("/grants/alive", limit=1, cursor=first["next"]).get_json()
    assert [one["person"] for one in (*first["items"], *rest["items"])] == ["corp/bob", "corp/ada"]
    assert rest["next"] is None
    assert [one["id"] for one in line.get("/grants/alive", person="corp/ada").get_json()["items"]] == ["_grant"]
    assert line.get("/grants/alive", persn="corp/ada").status_code == 400
    assert line.get("/grants/alive", role="Admin", cursor=first["next"]).status_code == 400
    use = line.get(f"/grants/by-key/{KEY}").get_json()
    assert (use["person"], use["is_alive"]) == ("corp/ada", True)
    gone = line.get("/grants/by-key/AKIAEXAMPLEEXAMPLE12")
    assert gone.status_code == 404 and "IAM user" in gone.get_json()["error"]["detail"]
