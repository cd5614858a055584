"""The operator's terminal: what each command says, and that a refusal is one plain line and exit status 1."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import begun_programs
import pytest
from click.testing import CliRunner, Result
from web_factories import ACCOUNT, write_files

from federation_bridge.cli import entry as person_entry
from federation_bridge.operate import commands, entry, preparation
from federation_bridge.settings import load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return write_files(tmp_path)


def run(*words: object) -> Result:
    return CliRunner().invoke(commands.commands, [str(word) for word in words])


def run_as_user(words: Sequence[object]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "federation_bridge.operate", *(str(word) for word in words)]
    return begun_programs.run(command, capture_output=True, text=True, timeout=60)


def test_check_reads_everything_and_is_content_with_what_is_good(settings: Path) -> None:
    result = run("check", "--settings", settings)
    lines = result.output.splitlines()
    assert any(line.startswith("ok") and "database" in line for line in lines)
    assert any("rule administrators can reach" in line for line in lines)
    assert any("key aws-saml" in line for line in lines)
    assert not [line for line in lines if line.startswith("wrong")]
    assert result.exit_code == 0


BROKEN = [
    ("settings", "base_url: https://aws.example.com", "bas_url: https://aws.example.com", "did you mean `base_url`?"),
    ("rules", "group: admins", "grup: admins", "did you mean"),
    ("accounts", "partition: aws", "partition: aws-moon", "aws-moon"),
    ("accounts", "saml-provider/bridge", "oidc-provider/elsewhere.example.com", "oidc-provider/aws.example.com'?"),
    ("accounts", "Reader]", "Reader, AWSReservedSSO_Reader_1]", "one that AWS keeps for itself"),
    ("rules", '"s3:Get*"', "GetObject", "did you mean 's3:GetObject'?"),
]


@pytest.mark.parametrize(("which", "good", "bad", "sentence"), BROKEN)
def test_check_names_what_is_wrong_and_how_to_mend_it(
    settings: Path, which: str, good: str, bad: str, sentence: str
) -> None:
    file = settings if which == "settings" else settings.with_name(f"{which}.yaml")
    text = file.read_text()
    assert good in text
    file.write_text(text.replace(good, bad))
    result = run("check", "--settings", settings)
    assert result.exit_code == 1
    assert [line for line in result.output.splitlines() if line.startswith("wrong") and sentence in line]
    started = run("serve", "--settings", settings)
    assert started.exit_code != 0
    assert sentence in str(started.exception)


def test_the_issuers_documents_are_written_where_they_have_to_be_served(settings: Path, tmp_path: Path) -> None:
    folder = tmp_path / "public"
    assert run("migrate", "--settings", settings).exit_code == 0
    assert run("issuer", "export", "--settings", settings, "--to", folder).exit_code == 0
    discovery = json.loads((folder / ".well-known" / "openid-configuration").read_text())
    assert discovery["issuer"] == "https://aws.example.com"
    keys = json.loads((folder / ".well-known" / "jwks.json").read_text())["keys"]
    assert [set(key) for key in keys] == [{"kty", "kid", "use", "alg", "n", "e"}]
    assert len((folder / "saml" / "metadata.xml").read_bytes()) >= 1000


def test_keys_are_shown_without_their_private_parts(settings: Path) -> None:
    assert run("migrate", "--settings", settings).exit_code == 0
    shown = run("keys", "show", "--settings", settings).output
    assert "BEGIN CERTIFICATE" in shown
    assert "PRIVATE" not in shown
    assert not any('"d"' in json.dumps(key["jwk"]) for keys in json.loads(shown).values() for key in keys)


def test_the_trust_policy_of_a_registered_role_is_printed_and_of_no_other(settings: Path) -> None:
    policy = json.loads(run("trust-policy", "--settings", settings, ACCOUNT, "Administrator").output)
    assert policy["Statement"][0]["Condition"]["StringEquals"]["saml:iss"] == "https://aws.example.com/saml/metadata"
    for account, role in ((ACCOUNT, "Nonexistent"), ("999999999999", "Administrator")):
        refused = run_as_user(["trust-policy", "--settings", settings, account, role])
        assert refused.returncode == 1
        assert refused.stderr.startswith("federation-bridge: ")
        assert refused.stderr.count("\n") == 1


def test_the_trust_policy_for_web_identity_files_can_be_put_in_place_before_the_register_speaks_of_it(
    settings: Path,
) -> None:
    register = settings.parent / "accounts.yaml"
    asked = ("trust-policy", "--settings", settings, ACCOUNT, "Administrator", "--web-identity-file")
    assert run_as_user(list(asked)).returncode == 1, "its account is on the SAML road"
    register.write_text(register.read_text().replace("saml-provider/bridge", "oidc-provider/aws.example.com"))
    policy = json.loads(run(*asked).output)
    pin = policy["Statement"][0]["Condition"]["StringEquals"]["aws.example.com:sub"]
    assert pin == f"{ACCOUNT}/Administrator/${{sts:RoleSessionName}}"
    assert pin not in run(*asked[:-1]).output


def test_keys_that_wait_are_accepted_by_name_and_only_where_some_wait(settings: Path) -> None:
    run("migrate", "--settings", settings)
    assert run("metadata", "accept", "--settings", settings, "corp").output == "Nothing waits there.\n"
    assert run_as_user(["metadata", "accept", "--settings", settings, "nix"]).returncode == 1


def test_migrate_may_be_run_again(settings: Path) -> None:
    assert run("migrate", "--settings", settings).output.splitlines()[-1] == "The database is current."
    for _ in range(2):
        assert run("migrate", "--settings", settings).output == "The database is current.\n"


def test_the_audit_is_shown_as_json_lines(settings: Path) -> None:
    preparation.prepare(load_settings(settings))
    events = [json.loads(line)["event"] for line in run("audit", "--settings", settings).output.splitlines()]
    assert "key.made" in events
    assert "rules.loaded" in events


@pytest.mark.parametrize("command", ["serve", "check", "migrate"])
def test_a_missing_settings_file_is_one_plain_line(command: str, tmp_path: Path) -> None:
    result = run_as_user([command, "--settings", tmp_path / "none.yaml"])
    assert result.returncode == 1
    assert "cannot be read" in result.stderr + result.stdout
    assert "Traceback" not in result.stderr


def test_serve_starts_nothing_with_a_wrong_setting(settings: Path) -> None:
    settings.write_text(settings.read_text() + "\nservng: {workers: 3}\n")
    result = run_as_user(["serve", "--settings", settings])
    assert result.returncode == 1
    assert (
        result.stderr == f"federation-bridge: {settings}: servng: there is no such setting; did you mean `serving`?\n"
    )


def test_a_command_whose_extra_is_missing_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lxml", None)
    with pytest.raises(SystemExit) as left:
        entry.main()
    wanted = "the libraries of the server are not installed: pip install -r deploy/requirements/server.txt"
    assert left.value.code == wanted


def test_the_sandbox_says_in_one_line_that_its_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "find_spec", lambda _: None)
    for words in (["demo", "--once"], ["sandbox", "aws"]):
        result = run(*words)
        assert result.exit_code == 1
        assert result.output == (
            "the libraries of the sandbox are not installed: pip install -r deploy/requirements/sandbox.txt\n"
        )


def test_the_persons_command_imports_nothing_of_the_server() -> None:
    code = (
        "import sys, federation_bridge.cli.entry\n"
        "heavy = {'flask', 'lxml', 'xmlsec', 'sqlalchemy', 'boto3', 'pydantic', 'click', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (result.stdout, result.stderr) == ("[]\n", "")


def test_the_persons_command_tells_its_release(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        person_entry.main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith("fedbridge ")
