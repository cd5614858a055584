"""Stock clients on a token file that `fedbridge` keeps fresh: they ask STS themselves, and get what was granted."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cli_factories import Person, with_terraform
from company_factories import company_at
from documents.blocks import blocks
from engineer_fixtures import log_in_by_browser

from federation_bridge.operate.export import trust_policy
from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws_cli import AwsCli
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import ANALYTICS
from federation_bridge.sandbox.scripted_user import ScriptedUser
from real_clients.real_client_factories import WITHIN, Clients, Home

pytestmark = pytest.mark.interop

ROLE, NARROW = f"{ANALYTICS}/Administrator", f"{ANALYTICS}/DataReader"
ROLES = {"Administrator": timedelta(hours=1), "DataReader": timedelta(hours=1)}
ME = f"arn:aws:sts::{ANALYTICS}:assumed-role/Administrator/ada"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The company, whose operator hands out tokens of two roles and gave them the trust policies for it."""
    folder = tmp_path_factory.mktemp("company")

    def allow(settings: str) -> str:
        register = folder / "accounts.yaml"
        pinned = ", ".join(f"{{name: {name}, max_session: 1h, web_identity_file: true}}" for name in ROLES)
        listed = "[Administrator, DataReader, ReadOnly]"
        assert listed in register.read_text()
        register.write_text(register.read_text().replace(listed, f"[{pinned}, ReadOnly]"))
        return settings + "command_line:\n  web_identity_files: true\n"

    with company_at(folder, edit_settings=allow) as opened:
        account = opened.local.state.accounts[ANALYTICS]
        for name, longest in ROLES.items():
            policy = trust_policy(opened.settings, ANALYTICS, name)
            account.roles.pop(name)
            provisioning.put_role(opened.local.state, account, name, policy, max_session=longest)
        yield opened


def let_in(home: Home, scripted_user: ScriptedUser) -> Person:
    """Somebody at their terminal, let in by their browser."""
    person = Person(home.folder, home.company.bridge)
    log_in_by_browser(person, scripted_user)
    return person


@pytest.fixture
def person(home: Home, ada: ScriptedUser) -> Person:
    return let_in(home, ada)


@pytest.fixture
def variables(person: Person) -> Iterator[dict[str, str]]:
    """What `fedbridge web-identity` prints for a shell, while it runs; then it is told to end."""
    keeping = person.start("web-identity", "--role", ROLE)
    try:
        assert keeping.stdout is not None
        lines = "".join(keeping.stdout.readline() for _ in range(3))
        yield dict(re.findall(r"export (\w+)='(.*)'", lines)) | {"AWS_DEFAULT_REGION": "us-east-1"}
    finally:
        keeping.terminate()
        keeping.communicate(timeout=WITHIN)
    assert keeping.returncode == 128 + signal.SIGTERM
    assert left_behind(person) == []


def left_behind(person: Person) -> list[Path]:
    return list((person.folder / "web-identity").glob("*"))


def test_stock_clients_exchange_the_file_themselves(
    home: Home, variables: dict[str, str], cli: AwsCli, cli_v1: AwsCli
) -> None:
    file = Path(variables["AWS_WEB_IDENTITY_TOKEN_FILE"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", file.read_text()), "the token and nothing else, no line's end"
    assert home.whoami(cli, more=variables).startswith(ME)
    assert home.whoami(cli_v1, more=variables).startswith(ME)
    assert home.boto3_whoami(**variables).startswith(ME)


def test_every_stock_client_does_and_none_under_another_name(
    home: Home, variables: dict[str, str], clients: Clients
) -> None:
    for client, arn in clients.whoami(home, **variables).items():
        assert arn.startswith(ME), client
    for client, (status, said) in clients.refusals(home, **variables | {"AWS_ROLE_SESSION_NAME": "grace"}).items():
        assert status != 0, client
        assert "AssumeRoleWithWebIdentity" in said, client


def test_the_file_buys_no_other_name_no_longer_session_and_no_other_role(
    home: Home, variables: dict[str, str], cli: AwsCli
) -> None:
    def bought(role_arn: str, name: str, seconds: str) -> tuple[int, str]:
        token = f"file://{variables['AWS_WEB_IDENTITY_TOKEN_FILE']}"
        asked = ("--role-arn", role_arn, "--role-session-name", name, "--duration-seconds", seconds)
        command = ("sts", "assume-role-with-web-identity", "--region", "us-east-1", "--output", "json")
        return home.attempt(cli, *command, "--web-identity-token", token, *asked)

    arn, name = variables["AWS_ROLE_ARN"], variables["AWS_ROLE_SESSION_NAME"]
    status, said = bought(arn, name, "3600")
    assert (status, json.loads(said)["AssumedRoleUser"]["Arn"].startswith(ME)) == (0, True), said
    for refusal, asked in (
        ("AccessDenied", (arn, "grace@example.com", "3600")),
        ("AccessDenied", (arn, f"{name}x", "3600")),
        ("MaxSessionDuration", (arn, name, "3601")),
        ("AccessDenied", (arn.replace("Administrator", "DataReader"), name, "3600")),
        ("AccessDenied", (arn.replace("Administrator", "ReadOnly"), name, "3600")),
    ):
        status, said = bought(*asked)
        assert status != 0, said
        assert refusal in said


def test_a_command_runs_with_the_file_and_without_its_competitors(home: Home, person: Person, cli: AwsCli) -> None:
    hostile = {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_PROFILE": "nobody",
        "AWS_ROLE_SESSION_NAME": "grace",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/",
    }
    given = {**home.environment, **hostile, "AWS_EC2_METADATA_DISABLED": "true"}
    command = [*cli.command, "sts", "get-caller-identity"]
    status, out, words = person.run("web-identity", "--role", ROLE, "--", *command, variables=given)
    assert (status, ME in out) == (0, True), words
    # As the page shows it; the company's account of this type has another name, and its role too.
    (shown,) = blocks()["docs/aws-clients.md console 1"].commands
    line = shlex.split(shown.replace("development/Developer", "analytics/Administrator"))[1:]
    terraform = with_terraform(home.folder / "bin", home.company.addresses.aws)
    status, out, words = person.run(*line, variables=given | terraform)
    assert (status, ME in out) == (0, True), words
    status, out, _ = person.run("web-identity", "--role", ROLE, "--", "env", variables=given)
    assert "AWS_WEB_IDENTITY_TOKEN_FILE" in out
    assert not set(hostile.values()) & set(out.replace("\n", "=").split("="))
    assert person.run("web-identity", "--role", ROLE, "--", "sh", "-c", "exit 7")[0] == 7
    assert left_behind(person) == []


def test_a_stop_ends_the_command_and_takes_the_file_along(person: Person) -> None:
    running = person.start("web-identity", "--role", ROLE, "--", "sh", "-c", "echo up; exec sleep 60")
    assert running.stdout is not None
    assert running.stdout.readline() == "up\n"
    assert len(left_behind(person)) == 1
    running.terminate()
    running.communicate(timeout=WITHIN)
    assert (running.returncode, left_behind(person)) == (128 + signal.SIGTERM, [])


def test_a_role_that_aws_would_not_hold_its_holder_to_is_refused_and_leaves_nothing(
    home: Home, company: Company
) -> None:
    """A contractor's session policy is a parameter of the call: nothing would make them send it."""
    contractor = ScriptedUser(company, "carla")
    contractor.sign_in()
    somebody = let_in(home, contractor)
    status, out, words = somebody.run("web-identity", "--role", NARROW, "--", "env")
    assert (status, out) == (7, "")
    assert "not available as a web identity token" in words
    assert left_behind(somebody) == []
    assert somebody.run("credentials", "--role", NARROW)[0] == 0


def test_a_process_that_was_killed_leaves_a_file_that_nobody_believes_for_long(person: Person) -> None:
    running = person.start("web-identity", "--role", ROLE)
    assert running.stdout is not None
    running.stdout.readline()
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=WITHIN)
    (file,) = left_behind(person)
    assert file.stat().st_mode & 0o777 == 0o600
    eleven_minutes_ago = file.stat().st_mtime - 660
    subprocess.run(["touch", "-d", f"@{eleven_minutes_ago:.0f}", str(file)], check=True)
    assert person.run("web-identity", "--role", ROLE, "--", "true")[0] == 0
    assert left_behind(person) == []
