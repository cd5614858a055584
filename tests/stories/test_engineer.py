# ruff: noqa: F811 - fixtures are named where they are asked for
"""An engineer's day: sign in once from a terminal, then every AWS tool just works."""

from __future__ import annotations

import configparser
import hashlib
import io
import json
import re
import shlex
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from cli_factories import Person, opened_address, told_code
from engineer_fixtures import DEVELOPER, ada, approve_code, browser, codes_of, log_in, redemptions, signed_in  # noqa: F401 - fixtures

from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials.obtaining import Wanted, obtain
from federation_bridge.cli.session.local_session import LocalSession
from federation_bridge.cli.terminal.streams import Terminal
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import ANALYTICS, PRODUCTION
from federation_bridge.sandbox.scripted_user import ScriptedUser

# --------------------------------------------------------------------------------------------------------- signing in


def test_i_sign_in_with_a_code_that_i_type_in_any_browser(ada: Person, browser: ScriptedUser) -> None:
    status, words = log_in(ada, browser)
    assert status == 0, words
    assert "Signed in as Ada Moss" in words
    assert "mode 0600" in words
    assert json.loads(ada.run("whoami", "--json")[1])["name"] == "Ada Moss"


def test_i_sign_in_in_the_browser_of_this_computer(ada: Person, browser: ScriptedUser) -> None:
    process = ada.start("login", ada.bridge, "--browser", variables={"BROWSER": "/bin/true"})
    page = browser.browser.open(opened_address(ada, process))
    page = browser.browser.submit(page, page.form("/oauth/authorize"), decision="allow")
    out, words = process.communicate(timeout=60)
    assert (process.returncode, "You can go back to your terminal" in page.words) == (0, True), (out, words, page.words)
    assert page.url == f"{ada.bridge}/terminal"
    assert "Signed in as: Ada Moss" in page.words


def test_a_refusal_in_the_browser_ends_the_login_with_its_own_exit_status(ada: Person, browser: ScriptedUser) -> None:
    process = ada.start("login", ada.bridge, "--device")
    approve_code(browser, told_code(process), "deny")
    _, words = process.communicate(timeout=60)
    assert (process.returncode, "refused in the browser" in words) == (4, True), words


def test_signing_out_leaves_nothing_here_and_ends_the_session_at_the_bridge(signed_in: Person) -> None:
    session = (signed_in.folder / "session.json").read_bytes()
    assert signed_in.run("credential-process", "--role", DEVELOPER)[0] == 0
    assert signed_in.run("logout")[0] == 0
    assert [path.name for path in (signed_in.folder / "answers").iterdir() if path.stat().st_size] == []
    (signed_in.folder / "session.json").write_bytes(session)
    (signed_in.folder / "session.json").chmod(0o600)
    assert signed_in.run("whoami")[0] == 3
    assert not (signed_in.folder / "session.json").exists()


# ---------------------------------------------------------------------------------------------------------- my roles


def test_i_see_my_roles_and_find_one_by_letters_of_its_name(signed_in: Person) -> None:
    table = signed_in.run("roles")[1]
    assert PRODUCTION in table
    listed = json.loads(signed_in.run("roles", "--json", "--filter", "proddev")[1])
    assert [f"{one['account']}/{one['role']}" for one in listed] == [DEVELOPER]


def test_a_role_that_is_not_mine_is_refused_and_the_near_one_is_named_but_not_taken(signed_in: Person) -> None:
    status, out, words = signed_in.run("credentials", "--role", "production/Develper")
    assert (status, out) == (5, "")
    assert "production/Developer" in words


# -------------------------------------------------------------------------------------------------------- credentials


def test_the_command_that_configure_writes_asks_the_bridge_once_and_then_answers_from_the_cache(
    signed_in: Person, redemptions
) -> None:
    signed_in.run("configure", "--yes")
    config = configparser.RawConfigParser()
    config.read(signed_in.home / ".aws/config")
    command = shlex.split(config["profile production-Developer"]["credential_process"])
    answers = []
    for _ in range(3):
        process = signed_in.start_command(command)
        out, words = process.communicate(timeout=60)
        assert process.returncode == 0, words
        answers.append(json.loads(out))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["Version"] == 1
    assert redemptions() == 1


@pytest.mark.parametrize("form", ["env", "powershell", "fish", "json", "ini", "dotenv"])
def test_credentials_come_in_the_format_that_i_need(signed_in: Person, form: str) -> None:
    status, out, words = signed_in.run("credentials", "--role", "production/Developer", "--format", form)
    assert (status, "ASIA" in out) == (0, True), words


def test_a_remainder_that_no_session_can_have_is_refused_in_words(signed_in: Person) -> None:
    status, out, words = signed_in.run("credential-process", "--role", DEVELOPER, "--min-remaining", "13h")
    assert (status, out) == (10, "")
    assert "less than the 13h" in words


def test_exec_hands_the_command_an_endpoint_that_renews_and_no_key(signed_in: Person, company: Company) -> None:
    script = (
        "import boto3, os, sys; assert not [n for n in os.environ if 'SECRET' in n];"
        "print(boto3.client('sts', endpoint_url=sys.argv[1]).get_caller_identity()['Arn']); sys.exit(7)"
    )
    command = [sys.executable, "-c", script, company.addresses.aws]
    status, out, words = signed_in.run("exec", "--role", f"{ANALYTICS}/Administrator", "--", *command)
    assert (status, f"{ANALYTICS}:assumed-role/Administrator/" in out) == (7, True), words


def test_serve_answers_sdks_and_nobody_without_the_token(signed_in: Person) -> None:
    process = signed_in.start("serve", "--role", DEVELOPER)
    try:
        assert process.stdout is not None
        told = dict(re.findall(r"export (\w+)='(.*)'", "".join(process.stdout.readline() for _ in range(5))))
        url, token = told["AWS_CONTAINER_CREDENTIALS_FULL_URI"], told["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        assert Path(told["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]).read_text() == token
        assert told["AWS_REGION"] == told["AWS_DEFAULT_REGION"] == "eu-central-1"
        with urlopen(Request(url, headers={"Authorization": token}), timeout=60) as answer:
            assert set(json.load(answer)) == {"AccessKeyId", "SecretAccessKey", "Token", "Expiration", "AccountId"}
        with pytest.raises(OSError, match="403"):
            urlopen(Request(url, headers={"Authorization": token + "x"}), timeout=60)
    finally:
        process.kill()
        process.communicate()


def test_the_console_opens_by_a_link_that_only_who_asks_for_it_sees(signed_in: Person) -> None:
    status, out, words = signed_in.run("console", "--role", DEVELOPER)
    assert (status, out) == (0, f"{signed_in.bridge}/go/{DEVELOPER}\n"), words


def test_the_doctor_finds_a_well_set_up_computer_well_and_names_what_is_wrong(signed_in: Person) -> None:
    status, out, _ = signed_in.run("doctor")
    assert (status, "BAD" in out) == (0, False), out
    status, out, _ = signed_in.run("doctor", variables={"AWS_ACCESS_KEY_ID": "AKIA"})
    assert (status, "AWS_ACCESS_KEY_ID is set" in out) == (1, True)


@pytest.mark.parametrize("off", [timedelta(days=1), timedelta(days=-1)])
def test_a_computer_whose_clock_is_off_by_a_day_signs_in_and_gets_credentials(
    ada: Person, browser: ScriptedUser, off: timedelta
) -> None:
    words = io.StringIO()
    variables = {"FEDBRIDGE_TOKEN_STORE": "file", "FEDBRIDGE_FOLDER": str(ada.home)}
    terminal = Terminal(variables, io.StringIO(), words, io.StringIO())
    folder = ada.home / "bridge"
    place = Context(ada.bridge, folder, variables, lambda: datetime.now(UTC) + off, terminal, "device")
    with ThreadPoolExecutor(1) as computer:
        signing_in = computer.submit(LocalSession(place).login)
        while not (found := re.search(r"[A-Z0-9]{4}-[A-Z0-9]{4}", words.getvalue())):
            assert not signing_in.done(), signing_in.result()
            threading.Event().wait(0.05)
        approve_code(browser, found[0])
        signing_in.result(60)
    for _ in range(2):
        found_keys = obtain(place, Wanted(DEVELOPER))
        assert found_keys.expires_at > datetime.now(UTC)
    assert f"1d {'ahead' if off > timedelta() else 'behind'}" in words.getvalue()
    assert words.getvalue().count("AWS refuses") == 1


# ----------------------------------------------------------------------------------------------------- many processes


def test_eighty_processes_with_an_empty_cache_ask_aws_once(signed_in: Person, redemptions) -> None:
    processes = [signed_in.start("credential-process", "--role", DEVELOPER) for _ in range(80)]
    answers = {process.communicate(timeout=300)[0] for process in processes}
    assert ({process.returncode for process in processes}, len(answers), redemptions()) == ({0}, 1, 1)


def test_processes_without_a_session_show_one_code_and_share_its_refusal(ada: Person, browser: ScriptedUser) -> None:
    ada.variables["FEDBRIDGE_URL"] = ada.bridge
    processes = [ada.start("credential-process", "--device", "--role", DEVELOPER) for _ in range(12)]
    seen = codes_of(processes, browser)
    assert (len(seen), {process.returncode for process in processes}) == (1, {4})


def test_the_death_of_the_one_that_signs_in_blocks_nobody(ada: Person, browser: ScriptedUser) -> None:
    ada.variables["FEDBRIDGE_URL"] = ada.bridge
    first = ada.start("credential-process", "--device", "--role", DEVELOPER)
    told_code(first)
    second = ada.start("credential-process", "--device", "--role", DEVELOPER)
    first.kill()
    first.communicate()
    approve_code(browser, told_code(second))
    out, words = second.communicate(timeout=60)
    assert (second.returncode, json.loads(out)["Version"]) == (0, 1), words


def test_credentials_are_renewed_in_the_background_before_their_end(signed_in: Person, redemptions) -> None:
    signed_in.run("configure", "--yes")
    config = configparser.RawConfigParser()
    config.read(signed_in.home / ".aws/config")
    command = shlex.split(config["profile production-Developer"]["credential_process"])
    assert signed_in.start_command(command).communicate(timeout=60)[0]
    path = signed_in.folder / "answers" / DEVELOPER.replace("/", "-")
    header, _, rest = path.read_text().partition("\n")
    made_at, usable_until, _, expires = header.split()
    path.write_text(f"{made_at} {usable_until} 0 {expires}\n{rest}")
    process = signed_in.start_command(command)
    assert json.loads(process.communicate(timeout=60)[0]) == json.loads(rest.partition("\n")[0])
    for _ in range(1800):
        if path.read_text().partition("\n")[2] != rest:
            break
        time.sleep(0.05)
    assert (path.read_text().split()[2] != "0", redemptions()) == (True, 2)


def test_configure_sso_signs_stock_clients_in_where_they_look(signed_in: Person, browser: ScriptedUser) -> None:
    process = signed_in.start("configure", "--sso", "--device", "--yes")
    approve_code(browser, told_code(process))
    _, words = process.communicate(timeout=60)
    assert process.returncode == 0, words
    config = configparser.RawConfigParser()
    config.read(signed_in.home / ".aws/config")
    profile = config["profile production-Developer"]
    assert (profile["sso_account_id"], profile["sso_role_name"]) == tuple(DEVELOPER.split("/"))
    assert config[f"sso-session {profile['sso_session']}"]["sso_start_url"] == f"{signed_in.bridge}/start"
    assert signed_in.bridge in config[f"services {profile['services']}"]["sso_oidc"]
    name = hashlib.sha1(profile["sso_session"].encode()).hexdigest()
    path = signed_in.home / ".aws/sso/cache" / f"{name}.json"
    assert path.stat().st_mode & 0o777 == 0o600
    cached = json.loads(path.read_text())
    assert all(cached[field] for field in ("accessToken", "refreshToken", "clientId", "clientSecret", "expiresAt"))
    assert signed_in.run("configure", "--sso", "--dry-run")[1] == ""


# ------------------------------------------------------------------------------------------------------------- an agent


_AGENT_AT_WORK = """
import sys, boto3
from botocore.exceptions import ClientError
there = dict(endpoint_url=sys.argv[1], region_name="eu-central-1")
print(boto3.client("sts", **there).get_caller_identity()["Arn"])
s3 = boto3.client("s3", **there)
s3.list_buckets()
try:
    s3.create_bucket(Bucket=sys.argv[2], CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    print("wrote")
except ClientError as refused:
    print(refused.response["Error"]["Code"])
"""


def test_an_agent_of_mine_reads_and_aws_refuses_what_it_would_write(signed_in: Person, company: Company) -> None:
    def at_work(*words: str, bucket: str) -> list[str]:
        command = [sys.executable, "-c", _AGENT_AT_WORK, company.addresses.aws, bucket]
        status, out, told = signed_in.run(*words, f"{PRODUCTION}/Administrator", "--", *command)
        assert status == 0, told
        return out.split()

    arn, outcome = at_work("agent", "exec", bucket="of-an-agent")
    assert (":assumed-role/Administrator/agent=" in arn, outcome) == (True, "AccessDenied")
    arn, outcome = at_work("exec", bucket="of-a-person")
    assert (":assumed-role/Administrator/agent=" in arn, outcome) == (False, "wrote")
