"""An engineer at a terminal and in a browser of the example company; import these where they are needed."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_factories import Person, opened_address, told_code

from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import PRODUCTION
from federation_bridge.sandbox.scripted_user import ScriptedUser

DEVELOPER = f"{PRODUCTION}/Developer"


def approve_code(scripted_user: ScriptedUser, code: str, decision: str = "allow") -> str:
    """What the browser says when the code was typed and decided about."""
    page = scripted_user.open("/device")
    page = scripted_user.browser.submit(page, page.form("/device"), user_code=code)
    words = scripted_user.browser.submit(page, page.form("/device/decision"), decision=decision).words
    assert ("is signed in." if decision == "allow" else "was refused.") in words
    return words


def log_in(person: Person, scripted_user: ScriptedUser) -> tuple[int, str]:
    """By a code that this person approves: exit status, and what was said."""
    process = person.start("login", person.bridge, "--device")
    approve_code(scripted_user, told_code(process))
    _, words = process.communicate(timeout=60)
    return process.returncode, words


def log_in_by_browser(person: Person, scripted_user: ScriptedUser, *words: str) -> str:
    """What the terminal says of a login that is let in at once: by a code, a program asks every five seconds."""
    words = words or ("login", person.bridge)
    process = person.start(*words, "--browser", variables={"BROWSER": "/bin/true"})
    page = scripted_user.browser.open(opened_address(person, process))
    scripted_user.browser.submit(page, page.form("/oauth/authorize"), decision="allow")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return said


@pytest.fixture
def ada(company: Company, tmp_path: Path) -> Person:
    """At a computer that knows no bridge yet."""
    return Person(tmp_path, company.bridge)


@pytest.fixture
def browser(company: Company) -> ScriptedUser:
    """Ada's, signed in at the bridge."""
    scripted_user = ScriptedUser(company, "ada")
    scripted_user.sign_in()
    return scripted_user


@pytest.fixture
def signed_in(ada: Person, browser: ScriptedUser) -> Person:
    """Ada, after `fedbridge login` by the browser."""
    log_in_by_browser(ada, browser)
    return ada


@pytest.fixture
def redemptions(company: Company, trail) -> Iterator:  # type: ignore[type-arg]
    """Counts the grants that were redeemed from now on."""
    before = len([event for event in trail(company) if event["event"] == "grant.redeemed"])

    def count() -> int:
        return len([event for event in trail(company) if event["event"] == "grant.redeemed"]) - before

    return count  # type: ignore[return-value]


def codes_of(processes: list[subprocess.Popen[str]], browser: ScriptedUser) -> list[str]:
    """Refuses each code that one of these shows, and gives the codes when all have ended."""
    codes: list[str] = []

    def read(process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            text = line.strip()
            if len(text) == 9 and text[4] == "-":
                codes.append(text)
                approve_code(browser, text, "deny")
        process.wait()

    threads = [threading.Thread(target=read, args=(process,)) for process in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for process in processes:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        process.stderr.close()
    return codes
