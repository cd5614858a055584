"""One change from the wish to its end, as docs/administration.md leads through it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result
from documents.blocks import blocks

from federation_bridge.operate.commands import commands
from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.company_files import PRODUCTION, TRIED_RULE
from federation_bridge.sandbox.scripted_user import ScriptedUser, read_object

BLOCKS = blocks()
PAGE = "docs/administration.md"
RULE = BLOCKS[f"{PAGE} yaml 4"].text
ROLE = f"{PRODUCTION}/ReadOnly"
_VARYING = (
    (r"\b[0-9a-f]{16}\b", "CHANGE"),
    (r"\b[0-9a-f]{12}\b(?!/)", "DIGEST"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", "TIME"),
    (r"\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?", "TIME"),
)
"""What is another one at each run."""


@pytest.fixture
def company(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    """The company of the demo, and an operator in its folder."""
    folder = tmp_path_factory.mktemp("company")
    with open_company(folder, in_this_process=True, rulebook="database") as opened:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("FEDERATION_BRIDGE_SETTINGS", "settings.yaml")
        yield opened


def person(company: Company, login: str) -> ScriptedUser:
    found = ScriptedUser(company, login)
    found.sign_in()
    return found


def typed(command: str) -> Result:
    """What a line of the page does when it is typed."""
    program, *words = shlex.split(command)
    assert program == "federation-bridge"
    return CliRunner().invoke(commands, words)


def shown(number: int) -> list[tuple[str, str]]:
    """The commands of the page's console block of this number, each with what the page shows below it."""
    parts = re.split(r"^\$ (.*)\n", BLOCKS[f"{PAGE} console {number}"].text, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def alike(text: str) -> str:
    for pattern, name in _VARYING:
        text = re.sub(pattern, name, text)
    return text


def goes_as_shown(number: int, *statuses: int) -> None:
    for (command, said), status in zip(shown(number), statuses, strict=True):
        ran = typed(command)
        assert (alike(ran.output), ran.exit_code) == (alike(said), status), ran.exception


def agree(second: ScriptedUser, reason: str) -> None:
    """A second administrator opens what waits, and says yes."""
    overview = second.administer()
    page = second.browser.open(overview.link("/administration/changes/"), from_page=overview)
    assert "sales-reads-reports" in page.words
    form = page.form("/administration/changes/decision")
    after = second.browser.submit(page, form, decision="approve", reason=reason)
    assert after.status == 200
    assert "Waiting for a second person" not in after.words


def test_a_preview_tells_a_pipeline_of_marks_where_nobody_gains_or_loses(company: Company) -> None:
    written = company.rules.read_text()
    for changed in ('roles: ["*/Administrator"]', f'accounts: ["{PRODUCTION}"]\n  rules: [company.contractors]'):
        company.rules.write_text(written.replace(f'accounts: ["{PRODUCTION}"]\nrules', f"{changed}\nrules"))
        foreseen = typed("federation-bridge preview rules.yaml --json")
        assert foreseen.exit_code == 3, foreseen.output
        assert json.loads(foreseen.stdout)["second_person"] == ["the change is about what waits for a second person"]
    company.rules.write_text(f"# nothing is said anew\n{written}")
    foreseen = typed("federation-bridge preview rules.yaml --json")
    assert (foreseen.exit_code, json.loads(foreseen.stdout)["second_person"]) == (0, [])


def test_the_page_leads_through_a_change_at_a_terminal(company: Company) -> None:
    assert RULE == TRIED_RULE  # the demo's last words say the same
    dan, fay, _ = (person(company, login) for login in ("dan", "fay", "ada"))
    company.rules.write_text(company.rules.read_text() + RULE)

    goes_as_shown(9, 3)
    goes_as_shown(10, 3, 0)
    assert dan.roles() == []

    agree(fay, "their head asked me")
    assert dan.roles() == [ROLE]
    credentials = dan.credentials(ROLE)
    assert read_object(company, credentials, "production-reports", "2026/summary.txt")

    goes_as_shown(11, 0, 0, 0)
    goes_as_shown(12, 3)
    assert dan.roles() == [ROLE]

    agree(fay, "it is")
    assert dan.roles() == []
    assert dan.call_api("POST", f"/roles/{ROLE}/credentials", {}).status == 403
    company.end_session(credentials.access_key_id)
    with pytest.raises(ClientError, match="ExpiredToken"):
        read_object(company, credentials, "production-reports", "2026/summary.txt")
