"""Rules in a git repository: the hook of docs/administration.md puts in force what is pushed, or refuses it whole.

The hook is a real one of a real repository. Its `federation-bridge` is answered by this process: to start the program
takes far longer than what it does, and others start it.
"""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from absent_software import program
from click.testing import CliRunner
from documents.blocks import blocks
from threaded_server import serving

from federation_bridge.errors import BridgeError
from federation_bridge.operate.commands import commands
from federation_bridge.sandbox.company import Company, open_company
from federation_bridge.sandbox.company_files import ANALYTICS, PRODUCTION, TRIED_RULE
from federation_bridge.sandbox.scripted_user import ScriptedUser

HOOK = blocks()["docs/administration.md sh 1"].text
IN_ANALYTICS = f"""
  - id: sales-reads-figures
    connection: company
    when: {{group: sales}}
    grant: {{role: "{ANALYTICS}/ReadOnly"}}
"""
_PROGRAM = """\
#!{python} -IS
import json, os, socket, sys
wire = socket.socket(socket.AF_UNIX)
wire.connect({address!r})
asked = wire.makefile("rw")
asked.write(json.dumps([sys.argv[1:], os.environ["FEDERATION_BRIDGE_SETTINGS"]]) + "\\n")
asked.flush()
out, err, status = json.loads(asked.readline())
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(status)
"""


class _Answering(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        words, settings = json.loads(self.rfile.readline())
        ran = CliRunner().invoke(commands, words, env={"FEDERATION_BRIDGE_SETTINGS": settings})
        # As the program's entry tells it.
        told = f"{ran.exception.detail}\n" if isinstance(ran.exception, BridgeError) else ""
        self.wfile.write(json.dumps([ran.stdout, ran.stderr + told, ran.exit_code]).encode() + b"\n")


@dataclass
class Repository:
    """A clone, and the repository on the bridge's machine that it is pushed to."""

    company: Company
    folder: Path
    bin: Path

    def git(self, *words: str) -> subprocess.CompletedProcess[str]:
        home = {"HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1", "PATH": f"{self.bin}:{os.defpath}"}
        who = {f"GIT_{role}_{what}": text for role in ("AUTHOR", "COMMITTER")
               for what, text in (("NAME", "Ada Moss"), ("EMAIL", "ada@example.com"))}  # fmt: skip
        return subprocess.run(
            [program("git", "apt-get install git"), *words],
            cwd=self.folder / "clone", env=home | who, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    @property
    def rules(self) -> Path:
        return self.folder / "clone" / "rules.yaml"

    def commit(self, rules: str, subject: str) -> None:
        self.rules.write_text(rules)
        assert self.git("add", "rules.yaml", "accounts.yaml").returncode == 0
        assert self.git("commit", "--quiet", "--message", subject).returncode == 0

    def push(self) -> tuple[bool, str]:
        """Whether it was taken, and what was said."""
        ran = self.git("push", "origin", "HEAD:main")
        return ran.returncode == 0, ran.stderr

    def main(self) -> str:
        """The rules at the tip of the shared branch."""
        return self.git("--git-dir", str(self.folder / "shared.git"), "show", "main:rules.yaml").stdout


def said(*words: str) -> str:
    return CliRunner().invoke(commands, words).stdout


def agree(company: Company, login: str = "fay") -> None:
    second = ScriptedUser(company, login)
    second.sign_in()
    overview = second.administer()
    page = second.browser.open(overview.link("/administration/changes/"), from_page=overview)
    form = page.form("/administration/changes/decision")
    assert second.browser.submit(page, form, decision="approve", reason="looked").status == 200


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with open_company(tmp_path_factory.mktemp("company"), in_this_process=True, rulebook="database") as opened:
        yield opened


@pytest.fixture
def repository(shared: Repository) -> Repository:
    """Somebody's clone, as fresh as one can be."""
    assert shared.git("fetch", "--quiet", "origin").returncode == 0
    assert shared.git("checkout", "--quiet", "--force", "-B", "main", "origin/main").returncode == 0
    return shared


@pytest.fixture(scope="module")
def shared(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """Begun as the page says: with what is in force."""
    folder = tmp_path_factory.mktemp("git")
    made = Repository(company, folder, folder / "bin")
    settings = str(company.folder / "settings.yaml")
    for name in ("bin", "clone"):
        (folder / name).mkdir()
    command = made.bin / "federation-bridge"
    command.write_text(_PROGRAM.format(python=sys.executable, address=str(folder / "wire")))
    command.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEDERATION_BRIDGE_SETTINGS", settings)
        made.git("init", "--quiet", "--bare", str(folder / "shared.git"))
        hook = folder / "shared.git" / "hooks" / "pre-receive"
        hook.write_text(HOOK.replace("/etc/federation-bridge/federation-bridge.yaml", settings))
        hook.chmod(0o755)
        made.git("init", "--quiet", "--initial-branch", "main")
        made.git("remote", "add", "origin", str(folder / "shared.git"))
        (folder / "clone" / "accounts.yaml").write_text(said("rules", "show", "--part", "accounts"))
        with serving(socketserver.ThreadingUnixStreamServer(str(folder / "wire"), _Answering)):
            made.commit(said("rules", "show"), "what is in force")
            taken, told = made.push()
            assert taken, told
            yield made


def number_in_force() -> int:
    (line,) = (one for one in said("rules", "history").splitlines() if one.startswith("*"))
    return int(line.split()[1])


def test_a_change_is_pushed_agreed_used_and_reverted(repository: Repository) -> None:
    dan = ScriptedUser(repository.company, "dan")
    dan.sign_in()
    before, number = repository.main(), number_in_force()

    repository.commit(before + TRIED_RULE, "TICKET-42: sales read the reports")
    taken, told = repository.push()
    assert not taken
    assert f"1 person gains {PRODUCTION}/ReadOnly (1h) by rule sales-reads-reports: company/p-1004" in told
    assert "Two people have to agree" in told
    assert "Push it again when the other administrator has agreed." in told
    assert not repository.push()[0]
    assert len(said("rules", "proposals").splitlines()) == 1
    assert (repository.main(), number_in_force(), dan.roles()) == (before, number, [])

    agree(repository.company)
    assert repository.push()[0]
    assert (repository.main(), number_in_force()) == (before + TRIED_RULE, number + 1)
    assert dan.credentials(f"{PRODUCTION}/ReadOnly").access_key_id.startswith("ASIA")
    assert "Ada Moss <ada@example.com> (command)  TICKET-42: sales read" in said("rules", "history")
    assert "by rule sales-reads-reports: they are in group 'sales'" in said("explain", "company/p-1004")
    assert "has: 1 person by rule sales-reads-reports" in said("review", "--person", "company/p-1004")

    assert repository.git("revert", "--no-edit", "HEAD").returncode == 0
    assert not repository.push()[0]
    agree(repository.company)
    assert repository.push()[0]
    assert (repository.main(), number_in_force(), dan.roles()) == (before, number + 2, [])


def test_what_no_second_person_has_to_see_is_in_force_when_it_is_taken(repository: Repository) -> None:
    before, number = repository.main(), number_in_force()
    for text, subject in ((before + IN_ANALYTICS, "sales read figures"), (before, "they do no more")):
        number += 1
        repository.commit(text, subject)
        taken, told = repository.push()
        assert taken, told
        assert f"Version {number} is in force." in told
        assert repository.main() == text


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("group: auditors", "grup: auditors", "did you mean 'group'?"),
        (PRODUCTION, "999988887777", "rules.yaml: line"),
        ("rules:", "rules:\n\t- a", "rules.yaml: line"),
    ],
)
def test_a_commit_that_is_refused_changes_nothing(repository: Repository, old: str, new: str, told: str) -> None:
    before, number = repository.main(), number_in_force()
    repository.commit(before.replace(old, new), "a mistake")
    taken, said_of_it = repository.push()
    assert (taken, repository.main(), number_in_force()) == (False, before, number)
    assert told in said_of_it


def test_nothing_is_taken_while_the_bridge_itself_is_not_in_order(repository: Repository) -> None:
    before, number = repository.main(), number_in_force()
    secret = repository.company.folder / "client-secret"
    kept = secret.read_text()
    repository.commit(f"# a word more\n{before}", "a word more")
    secret.write_text("")
    try:
        taken, told = repository.push()
    finally:
        secret.write_text(kept)
    assert (taken, repository.main(), number_in_force()) == (False, before, number)
    assert '"severity": "wrong"' in told
    assert repository.push()[0]


def test_what_a_page_changed_meanwhile_is_not_overwritten_by_a_push(repository: Repository) -> None:
    before = repository.main()
    elsewhere = repository.company.folder / "elsewhere.yaml"
    elsewhere.write_text(f"# by another road\n{before}")
    assert said("rules", "apply", str(elsewhere), "--reason", "another road", "--author", "fay")
    number = number_in_force()

    repository.commit(f"# by this road\n{before}", "this road")
    taken, told = repository.push()
    assert (taken, repository.main(), number_in_force()) == (False, before, number)
    assert "main is not what is in force" in told

    repository.commit(said("rules", "show"), "what is in force")
    assert repository.push()[0]
    assert repository.main() == elsewhere.read_text()
    assert number_in_force() == number


def test_main_goes_forward_only_and_stays(repository: Repository) -> None:
    before, number = repository.main(), number_in_force()
    assert repository.git("checkout", "--quiet", "--orphan", "another").returncode == 0
    repository.commit(f"# from nowhere\n{before}", "from nowhere")
    for words in (("--force", "origin", "HEAD:main"), ("origin", ":main")):
        ran = repository.git("push", *words)
        assert (ran.returncode != 0, repository.main(), number_in_force()) == (True, before, number), ran.stderr
