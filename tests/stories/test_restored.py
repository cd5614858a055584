"""The worst morning: a disk is lost. A backup is put back, and nobody gets in by what was."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from click.testing import CliRunner
from service_factories import until

from federation_bridge.errors import NotYetConfirmed
from federation_bridge.operate.commands import commands
from federation_bridge.sandbox.browser import Browser
from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.company_files import PRODUCTION
from federation_bridge.sandbox.scripted_user import ScriptedUser

ADMINISTRATOR = f"{PRODUCTION}/Administrator"


def operated(company: Company, *words: str) -> str:
    done = CliRunner().invoke(commands, [*words, "--settings", str(company.folder / "settings.yaml")])
    assert done.exit_code == 0, getattr(done.exception, "detail", done.output)
    return done.output


def serving(company: Company) -> list[int]:
    """The processes that serve this company's bridge, the parent among them."""
    named = str(company.folder / "settings.yaml").encode()
    found = []
    for one in Path("/proc").iterdir():
        try:
            words = (one / "cmdline").read_bytes().split(b"\0") if one.name.isdigit() else []
        except OSError:
            continue
        if named in words and b"serve" in words:
            found.append(int(one.name))
    return sorted(found)


def stopped(company: Company) -> None:
    for pid in serving(company):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    until(lambda: not _alive(company), "the bridge does not stop")


def _alive(company: Company) -> bool:
    for pid in serving(company):
        with suppress(OSError):  # it may have gone since it was found
            if Path(f"/proc/{pid}/status").read_text().split("State:\t")[1][0] != "Z":
                return True
    return False


def answers(company: Company) -> bool:
    try:
        return Browser().open(f"{company.bridge}/readyz").status == 200
    except OSError:
        return False


@contextmanager
def started_again(company: Company) -> Iterator[None]:
    command = [sys.executable, "-m", "federation_bridge.operate", "serve", "--settings"]
    with (company.folder / "again.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, str(company.folder / "settings.yaml")], cwd=company.folder, stdout=log, stderr=log
        )
        try:
            until(lambda: answers(company), "the bridge does not start again")
            yield
        finally:
            process.terminate()
            process.wait(60)


def signed_in_and_captured(user: ScriptedUser) -> dict[str, str]:
    """Signs in; gives the form with which the company's sign-in sent the person back, as a thief would have it."""
    browser, page = user.browser, user.open()
    page = browser.submit(page, page.form("/sign-in"), connection="company")
    login, password = user.person.login, user.person.password
    page = browser.submit_and_stop(page, page.form("/login"), login=login, password=password)
    form = page.form("/sign-in/company/saml")
    browser.submit(page, form)
    assert user.roles()
    return dict(form.fields)


def test_a_lost_disk_lets_nobody_in_by_what_was(tmp_path: Path) -> None:
    (tmp_path / "company").mkdir()
    with open_company(tmp_path / "company") as company:
        before, later = ScriptedUser(company, "ada"), ScriptedUser(company, "carla")
        before.sign_in()
        copy = tmp_path / "copies" / "monday"
        copy.parent.mkdir(mode=0o700)
        assert "Backed up" in operated(company, "backup", str(copy))

        # What the backup does not know: another session, its answer, AWS credentials, a block.
        captured = signed_in_and_captured(later)
        credentials = before.credentials(ADMINISTRATOR)
        leaver = before.call_api("GET", "/me").json()["person"]
        operated(company, "people", "block", leaver, "--emergency", "--reason", "left")
        assert before.roles() == []

        stopped(company)
        for one in company.folder.glob("bridge.db*"):
            one.unlink()
        operated(company, "restore", str(copy))
        with started_again(company):
            for user in (before, later):
                assert user.call_api("GET", "/me").status == 401
            refused = ScriptedUser(company, "carla").sign_in()
            assert refused.status == 503
            assert NotYetConfirmed.public.split(".")[0] in refused.words

            shown = operated(company, "restore", "--show")
            # The block is lost, which is why somebody has to look.
            assert "kept out: nobody" in shown
            operated(company, "people", "block", leaver, "--emergency", "--reason", "left, once more")
            (code,) = re.findall(r"restore --confirm (\w+) ", operated(company, "restore", "--show"))
            operated(company, "restore", "--confirm", code, "--reason", "the disk was lost")

            # Nobody here knows any more that it was used.
            assert Browser().post(f"{company.bridge}/sign-in/company/saml", captured).status == 403
            assert ScriptedUser(company, "ada").sign_in().status == 403
            again = ScriptedUser(company, "carla")
            assert again.sign_in().status == 200
            assert again.roles()
            # The key is in no ledger any more; the file of the audit's lines still names it.
            assert credentials.access_key_id not in operated(company, "grants", "alive")
            assert credentials.access_key_id in (company.folder / "audit.jsonl").read_text()
