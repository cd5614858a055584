"""The administration's API from a terminal: let in by a person, and asked with curl as its page shows it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from absent_software import program
from cli_factories import MAIN, Person
from documents.blocks import Block, blocks
from engineer_fixtures import log_in_by_browser

from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.company_files import TRIED_RULE
from federation_bridge.sandbox.scripted_user import ScriptedUser

PAGE = "docs/administration.md"
LOGIN, CURL, CHANGE = [one for one in blocks().values() if one.page == PAGE and "$ fedbridge " in one.text]
PERSON = "company/p-1001"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A company whose rulebook lies in the database, and two programs that the page needs."""
    for name in ("curl", "jq"):
        program(name, f"apt-get install {name}")
    with open_company(tmp_path_factory.mktemp("company"), in_this_process=True, rulebook="database") as opened:
        yield opened


@pytest.fixture
def ada(company: Company, tmp_path: Path) -> Person:
    """The terminal of an administrator who was let in to administer."""
    user = ScriptedUser(company, "ada")
    user.sign_in()
    assert "Overview" in user.administer().words
    person = Person(tmp_path, company.bridge)
    login = (*shlex.split(LOGIN.text.strip().removeprefix("$ fedbridge ")), company.bridge)
    assert "Signed in to administer as Ada Moss" in log_in_by_browser(person, user, *login)
    return person


def typed(block: Block, person: Person) -> list[str]:
    """The lines of this block, for this company."""
    words = block.text.replace("https://aws.example.com", person.bridge).replace("corp/ada", PERSON)
    return [line.removeprefix("$ ") for line in words.splitlines()]


def shell(person: Person, lines: list[str]) -> str:
    """What these lines of a shell print, in the folder of the person."""
    command = shlex.join([sys.executable, "-I", str(MAIN)])
    script = "\n".join(["set -euo pipefail", f'fedbridge() {{ {command} "$@"; }}', *lines])
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env=person.environ(), cwd=person.home, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_lines_of_the_page_work_as_they_stand_there(ada: Person) -> None:
    setting, *calls = typed(CURL, ada)
    answers = [shell(ada, [setting, call]) for call in calls]
    me, versions, explanation = map(json.loads, answers[:3])
    assert me["rights"]["role"] == "administrator"
    assert versions["items"]
    assert explanation["person"] == PERSON
    assert "person" in (ada.home / "review.csv").read_text().splitlines()[0]
    # An ordinary sign-in is not there, and none was made by the way.
    assert ada.run("whoami")[0] == 3


def test_a_change_of_production_is_foreseen_and_waits_as_the_page_says(ada: Person) -> None:
    (ada.home / "more-rules.yaml").write_text(TRIED_RULE)
    setting = typed(CURL, ada)[0]
    *lines, foreseen, saved = typed(CHANGE, ada)
    preview = json.loads(shell(ada, [setting, *lines, foreseen]))
    assert "+  - id: sales-reads-reports" in preview.get("difference", ()), preview
    became = json.loads(shell(ada, [setting, lines[-1], saved]))
    assert (became["version"], len(became["waits_as"])) == (None, 16)
    where = f"/administration/proposals/{became['waits_as']}"
    shown = json.loads(shell(ada, [setting, f"fedbridge headers GET {where} | curl -sS -H @- $api{where}"]))
    assert (shown["reason"], shown["origin"], shown["state"]) == ("TICKET-42", "api", "waits")


def test_signing_out_ends_this_session_too_and_headers_ask_for_it_anew(ada: Person) -> None:
    assert ada.run("headers", "GET", "/me")[0] == 2
    status, told, _ = ada.run("headers", "GET", "/administration/me")
    assert (status, [line.split(":")[0] for line in told.splitlines()]) == (0, ["Authorization", "DPoP"])
    assert ada.run("logout")[0] == 0
    status, out, words = ada.run("headers", "GET", "/administration/me")
    assert (status, out) == (3, "")
    assert "fedbridge login --administration" in words
