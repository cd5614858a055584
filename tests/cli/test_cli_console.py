"""`fedbridge console`: opens the bridge's own bookmark, which holds nothing that lets anybody in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from cli_factories import Person, opened_address
from fake_bridge import ROLE, FakeBridge, fake_bridge

from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.company_files import PRODUCTION
from federation_bridge.sandbox.scripted_user import ScriptedUser

EC2 = "https://eu-central-1.console.aws.amazon.com/ec2/home?region=eu-central-1"
BROWSER = """#!{python}
import sys
open("{folder}/found", "a").write(" ".join(sys.argv[1:]) + "\\n")
"""


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as made:
        yield made


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    """Somebody with a browser that notes what it was told to open."""
    browser = tmp_path / "browser"
    browser.write_text(BROWSER.format(python=sys.executable, folder=tmp_path))
    browser.chmod(0o755)
    (tmp_path / "home").mkdir()
    return Person(tmp_path / "home", bridge.address, {"BROWSER": str(browser), "DISPLAY": ":0"})


def opened(ada: Person) -> list[str]:
    found = ada.home.parent / "found"
    return found.read_text().splitlines() if found.exists() else []


def bookmark(bridge: FakeBridge, page: str = "") -> str:
    return f"{bridge.address}/go/{ROLE}" + (f"?to={quote(page, safe='')}" if page else "")


@pytest.mark.parametrize("page", ["", "/s3/home", EC2])
@pytest.mark.parametrize(
    ("more", "variables", "is_opened"),
    [
        pytest.param((), {}, True, id="a browser"),
        pytest.param(("--print",), {}, False, id="print"),
        pytest.param((), {"SSH_TTY": "/dev/pts/1"}, False, id="over ssh"),
        pytest.param((), {"BROWSER": "/bin/false", "DISPLAY": "", "PATH": ""}, False, id="a browser that fails"),
    ],
)
def test_the_bookmark_is_opened_or_else_written_and_the_bridge_is_asked_for_nothing(
    ada: Person, bridge: FakeBridge, page: str, more: tuple[str, ...], variables: dict[str, str], is_opened: bool
) -> None:
    here = {"FEDBRIDGE_URL": bridge.address} | variables
    status, out, words = ada.run("console", "--role", ROLE, "--to", page, *more, variables=here)
    assert status == 0, words
    assert opened(ada) == ([bookmark(bridge, page)] if is_opened else [])
    assert out == ("" if is_opened else bookmark(bridge, page) + "\n")
    assert bridge.asked == []


# -------------------------------------------------------------------------------- with the real bridge and a local AWS


@pytest.mark.parametrize("way", ["auto", "federation"])
def test_behind_one_press_the_bookmark_leads_to_the_page_that_was_asked_for(way: str, tmp_path: Path) -> None:
    def edit(text: str) -> str:
        return text.replace("\naws:\n", f"\naws:\n  console: {way}\n", 1)

    (tmp_path / "company").mkdir()
    with open_company(tmp_path / "company", in_this_process=True, edit_settings=edit) as company:
        page = _console_of(company, Person(tmp_path / "home", company.bridge), way)
    assert page.by_id["destination"] == EC2
    assert f"{PRODUCTION}:assumed-role/Developer/ada" in page.by_id["principal"]


def _console_of(company: Company, ada: Person, way: str):
    scripted_user = ScriptedUser(company, "ada")
    scripted_user.sign_in()
    login = ada.start("login", company.bridge, "--browser", variables={"BROWSER": "/bin/true"})
    consent = scripted_user.browser.open(opened_address(ada, login))
    scripted_user.browser.submit(consent, consent.form("/oauth/authorize"), decision="allow")
    login.communicate(timeout=60)
    status, address, words = ada.run("console", "--role", "production/Developer", "--to", EC2, "--print")
    assert (status, "/go/" in address) == (0, True), words
    page = scripted_user.browser.open(address.strip())
    assert scripted_user.browser.submit_and_stop(page, page.form("/console")).has_form("/saml") is (way == "auto")
    # One press issues once: the second is a press of its own.
    page = scripted_user.browser.open(address.strip())
    return scripted_user.browser.submit(page, page.form("/console"))
