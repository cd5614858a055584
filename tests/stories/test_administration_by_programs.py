"""The administration's API from a terminal: let in by a person, and asked with curl as its page shows it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from cli_material import MAIN, Person, told_code
from documents.blocks import blocks

from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.scripted_user import ScriptedUser

LOGIN, CURL = [one for one in blocks().values() if one.page == "docs/administration.md" and "$ fedbridge " in one.text]
PERSON = "company/p-1001"


@pytest.fixture
def ada(company: Company, tmp_path: Path) -> Person:
    """The terminal of an administrator who was let in to administer."""
    user = ScriptedUser(company, "ada")
    user.sign_in()
    person = Person(tmp_path, company.bridge)
    process = person.start(*shlex.split(LOGIN.text.strip().removeprefix("$ fedbridge ")), company.bridge, "--device")
    page = user.browser.submit(user.open("/device"), user.open("/device").form("/device"), user_code=told_code(process))
    assert "administer this bridge in your name" in page.words
    user.browser.submit(page, page.form("/device/decision"), decision="allow")
    _, words = process.communicate(timeout=60)
    assert (process.returncode, "Signed in to administer as Ada Moss" in words) == (0, True), words
    return person


def shell(person: Person, lines: list[str]) -> str:
    """What these lines of a shell print, in the folder of the person."""
    program = shlex.join([sys.executable, "-I", str(MAIN)])
    script = "\n".join(["set -euo pipefail", f'fedbridge() {{ {program} "$@"; }}', *lines])
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env=person.environ(), cwd=person.home, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_lines_of_the_page_work_as_they_stand_there(ada: Person) -> None:
    lines = [line.removeprefix("$ ") for line in CURL.text.splitlines()]
    setting, *calls = [
        line.replace("https://aws.example.com", ada.bridge).replace("corp/ada", PERSON) for line in lines
    ]
    answers = [shell(ada, [setting, call]) for call in calls]
    me, versions, explanation = map(json.loads, answers[:3])
    assert me["rights"]["role"] == "administrator"
    assert versions["items"]
    assert explanation["person"] == PERSON
    assert "person" in (ada.home / "review.csv").read_text().splitlines()[0]
    # An ordinary sign-in is not there, and none was made by the way.
    assert ada.run("whoami")[0] == 3


def test_signing_out_ends_this_session_too_and_headers_ask_for_it_anew(ada: Person) -> None:
    assert ada.run("headers", "GET", "/me")[0] == 2
    status, told, _ = ada.run("headers", "GET", "/administration/me")
    assert (status, [line.split(":")[0] for line in told.splitlines()]) == (0, ["Authorization", "DPoP"])
    assert ada.run("logout")[0] == 0
    status, out, words = ada.run("headers", "GET", "/administration/me")
    assert (status, out) == (3, "")
    assert "fedbridge login --administration" in words
