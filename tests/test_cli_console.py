"""`fedbridge console`: the way to the console reaches the browser, and nothing else on this computer."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_material import Person, told_address
from fake_bridge import ROLE, FakeBridge, Reply, fake_bridge, put_session

from federation_bridge.sandbox.browser import Browser
from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.company_files import PRODUCTION
from federation_bridge.sandbox.visitor import Visitor

LINK = "https://signin.aws.amazon.com/federation?Action=login&SigninToken=a-sign-in-token"
FORM = {"SAMLResponse": "PHNlY3JldD4=", "RelayState": "https://console.aws.amazon.com/ec2/home?a=1&b=\"'<x>"}
EC2 = "https://eu-central-1.console.aws.amazon.com/ec2/home?region=eu-central-1"
BROWSER = """#!{python}
import sys, urllib.request, urllib.error
found = open("{folder}/found", "a")
found.write(" ".join(sys.argv[1:]) + "\\n")
for _ in range(2):
    try:
        with urllib.request.urlopen(sys.argv[1]) as answer:
            print(answer.status, answer.headers["Referrer-Policy"], answer.headers["Cache-Control"], file=found)
            found.write(answer.read().decode())
    except OSError as gone:
        print("second:", gone, file=found)
"""


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as made:
        yield made


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    """Somebody with a browser that notes what it was told and what it found there, and asks twice."""
    put_session(tmp_path / "home", bridge, ends_at=4_000_000_000)
    browser = tmp_path / "browser"
    browser.write_text(BROWSER.format(python=sys.executable, folder=tmp_path))
    browser.chmod(0o755)
    return Person(tmp_path / "home", bridge.address, {"BROWSER": str(browser), "DISPLAY": ":0"})


def answer(bridge: FakeBridge, url: str, form: dict[str, str] | None) -> None:
    bridge.answers[f"/api/v1/roles/{ROLE}/console"] = Reply(body={"url": url, "form": form})


def opened(ada: Person) -> tuple[str, str]:
    """The browser's command line, and what it found."""
    told, _, found = (ada.home.parent / "found").read_text().partition("\n")
    return told, found


@pytest.mark.parametrize(
    ("url", "form", "held"),
    [
        (LINK, None, "url=https://signin.aws.amazon.com/federation?Action=login&amp;SigninToken=a-sign-in-token"),
        ("https://signin.aws.amazon.com/saml", FORM, 'name="SAMLResponse" value="PHNlY3JldD4="'),
    ],
)
def test_the_browser_gets_the_way_once_from_this_computer_and_its_command_line_holds_nothing_of_it(
    ada: Person, bridge: FakeBridge, url: str, form: dict[str, str] | None, held: str
) -> None:
    answer(bridge, url, form)
    status, out, words = ada.run("console", "--role", ROLE, "--browser", "--to", "ec2")
    assert (status, out, words) == (0, "", "")
    told, found = opened(ada)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}", told)
    assert found.startswith("200 no-referrer no-store\n<!doctype html>")
    assert held in found
    assert "second: " in found
    assert bridge.asked[-1].fields == {"show_link": "True", "to": "ec2"}
    secrets = (b"a-sign-in-token", b"PHNlY3JldD4=")
    left = [path for path in ada.home.rglob("*") if path.is_file() and any(one in path.read_bytes() for one in secrets)]
    assert left == []


def test_no_value_of_a_form_ends_its_quotes(ada: Person, bridge: FakeBridge) -> None:
    answer(bridge, 'https://signin.aws.amazon.com/saml?"><script>', FORM | {'"><b>': "x"})
    assert ada.run("console", "--role", ROLE, "--browser")[0] == 0
    page = opened(ada)[1]
    assert page.count("<script>") == 1
    assert "<b>" not in page
    assert "&lt;x&gt;" in page


def test_print_writes_the_link_and_for_a_form_an_address_that_works_once(ada: Person, bridge: FakeBridge) -> None:
    answer(bridge, LINK, None)
    assert ada.run("console", "--role", ROLE, "--print")[:2] == (0, LINK + "\n")
    answer(bridge, "https://signin.aws.amazon.com/saml", FORM)
    process = ada.start("console", "--role", ROLE, "--print")
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    subprocess.run([ada.variables["BROWSER"], address], check=True, timeout=60)
    _, words = process.communicate(timeout=60)
    assert (process.returncode, words) == (0, "This address works once, on this computer, within two minutes:\n")
    assert "PHNlY3JldD4=" in opened(ada)[1]


def test_a_browser_that_does_not_open_is_told_and_the_address_named(ada: Person, bridge: FakeBridge) -> None:
    answer(bridge, LINK, None)
    process = ada.start(
        "console", "--role", ROLE, "--browser", variables={"BROWSER": "/bin/false", "DISPLAY": "", "PATH": ""}
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    subprocess.run([ada.variables["BROWSER"], address], check=True, timeout=60)
    assert (process.wait(60), "SigninToken" in opened(ada)[1]) == (0, True)
    process.communicate()


@pytest.mark.parametrize("page", ["", EC2])
def test_without_a_browser_the_bookmark_is_written_and_the_bridge_not_asked(
    ada: Person, bridge: FakeBridge, page: str
) -> None:
    status, out, _ = ada.run("console", "--role", ROLE, "--to", page, variables={"SSH_TTY": "/dev/pts/1"})
    assert (status, out.partition("?")[0].strip()) == (0, f"{bridge.address}/go/{ROLE}")
    assert ("?to=https%3A%2F%2Feu-central-1" in out) is bool(page)
    assert bridge.asked == []


@pytest.mark.parametrize("url", ["http://signin.aws.amazon.com/", "javascript:alert(1)", "file:///etc/passwd", "", "x"])
def test_an_answer_that_leads_to_no_secure_address_is_not_opened(ada: Person, bridge: FakeBridge, url: str) -> None:
    answer(bridge, url, None)
    assert ada.run("console", "--role", ROLE, "--browser")[0] == 6
    assert not (ada.home.parent / "found").exists()


# -------------------------------------------------------------------------------- with the real bridge and a local AWS


@pytest.mark.parametrize("way", ["auto", "federation"])
def test_the_real_bridge_s_form_and_its_link_both_lead_to_the_page_that_was_asked_for(way: str, tmp_path: Path) -> None:
    def edit(text: str) -> str:
        return text.replace("\naws:\n", f"\naws:\n  console: {way}\n", 1)

    (tmp_path / "company").mkdir()
    with open_company(tmp_path / "company", in_this_process=True, edit_settings=edit) as company:
        page = _console_of(company, Person(tmp_path / "home", company.bridge), way)
    assert page.by_id["destination"] == EC2
    assert f"{PRODUCTION}:assumed-role/Developer/ada" in page.by_id["principal"]


def _console_of(company: Company, ada: Person, way: str):  # type: ignore[no-untyped-def]
    visitor = Visitor(company, "ada")
    visitor.sign_in()
    login = ada.start("login", company.bridge, "--browser", variables={"BROWSER": "/bin/true"})
    consent = visitor.browser.open(told_address(login))
    visitor.browser.submit(consent, consent.form("/oauth/authorize"), decision="allow")
    login.communicate(timeout=60)
    process = ada.start("console", "--role", "production/Developer", "--to", EC2, "--print")
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    assert address.startswith("http://127.0.0.1:")
    browser = Browser()
    page = browser.open(address)
    if way == "auto":
        page = browser.submit(page, page.forms[0])
    _, words = process.communicate(timeout=60)
    assert process.returncode == 0, words
    assert ("/federation?" in address) is (way == "federation")
    return page
