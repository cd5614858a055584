"""`aws sso login` and what lives on its token: CLI 2, CLI 1, boto3."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer

import pytest

from federation_bridge.sandbox.aws_cli import AwsCli
from federation_bridge.sandbox.company_files import PRODUCTION
from federation_bridge.sandbox.scripted_user import ScriptedUser
from real_clients.real_client_factories import ME, WITHIN, Home, approve, in_the_database
from real_clients.tls_front import tls_front

pytestmark = pytest.mark.interop

USER_CODE = re.compile(r"\b[A-Z]{4}-[A-Z]{4}\b")
ADDRESS = re.compile(r"https?://\S+/authorize\?\S+")


def read_until(process: subprocess.Popen[str], pattern: re.Pattern[str]) -> str:
    """The first match in what the process says."""
    assert process.stdout is not None
    said = ""
    guard = Timer(WITHIN, process.kill)
    guard.start()
    try:
        for line in process.stdout:
            said += line
            if found := pattern.search(line):
                return found.group()
    finally:
        guard.cancel()
    process.wait()
    pytest.fail(f"ended before it said {pattern.pattern}: {said}")


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=WITHIN)
    return process.returncode, said


def log_in_by_code(home: Home, cli: AwsCli, scripted_user: ScriptedUser) -> None:
    home.write_sso_config()
    process = home.start(cli, "sso", "login", "--profile", "dev", "--use-device-code", "--no-browser")
    approve(scripted_user, read_until(process, USER_CODE))
    status, said = ended(process)
    assert status == 0, said


def log_in(home: Home, cli: AwsCli, scripted_user: ScriptedUser) -> None:
    """The quick way: by the browser on the same machine, where the client does not poll."""
    home.write_sso_config()
    status, said = answered_in_browser(home, cli, scripted_user, "allow")
    assert status == 0, said


def answered_in_browser(home: Home, cli: AwsCli, scripted_user: ScriptedUser, decision: str) -> tuple[int, str]:
    process = home.start(cli, "sso", "login", "--profile", "dev", "--no-browser")
    page = scripted_user.browser.open(read_until(process, ADDRESS))
    page = scripted_user.browser.submit(page, page.form("/oauth/authorize"), decision=decision)
    assert page.url.startswith("http://127.0.0.1:")
    return ended(process)


def age(path: Path, left: timedelta) -> None:
    """Lets the cached token end in `left` as far as clients can tell."""
    token = json.loads(path.read_text())
    token["expiresAt"] = (datetime.now(UTC) + left).strftime("%Y-%m-%dT%H:%M:%SZ")
    path.write_text(json.dumps(token))


def test_a_code_typed_in_the_browser_lets_the_cli_in_and_every_tool_lives_on_it(
    home: Home, cli: AwsCli, cli_v1: AwsCli, ada: ScriptedUser
) -> None:
    log_in_by_code(home, cli, ada)
    arn = home.whoami(cli, "--profile", "dev")
    assert arn.startswith(ME)
    assert home.boto3_whoami(AWS_PROFILE="dev") == arn
    assert home.whoami(cli_v1, "--profile", "dev") == arn


def test_the_cli_renews_its_token_by_itself_and_the_one_before_is_used_up(
    home: Home, cli: AwsCli, ada: ScriptedUser
) -> None:
    log_in(home, cli, ada)
    path = home.cached_token()
    before = json.loads(path.read_text())
    age(path, timedelta(minutes=5))
    home.whoami(cli, "--profile", "dev")
    after = json.loads(home.cached_token().read_text())
    assert after["accessToken"] != before["accessToken"]
    assert after["refreshToken"] != before["refreshToken"]


def test_the_portal_lists_accounts_and_roles_by_pages(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    log_in(home, cli, ada)
    token = json.loads(home.cached_token().read_text())["accessToken"]
    more = {"AWS_ENDPOINT_URL_SSO": home.company.bridge}
    listed = ("sso", "list-accounts", "--access-token", token, "--region", "us-east-1", "--output", "json")
    accounts = json.loads(home.run(cli, *listed, "--page-size", "1", more=more))
    assert [one["accountName"] for one in accounts["accountList"]] == ["analytics", "production"]
    roles_of = ("sso", "list-account-roles", "--account-id", PRODUCTION, "--access-token", token)
    roles = json.loads(home.run(cli, *roles_of, "--region", "us-east-1", "--output", "json", more=more))
    assert f"{PRODUCTION}/{roles['roleList'][0]['roleName']}" in ada.roles()


def test_a_role_that_is_not_granted_is_refused_without_a_new_sign_in(
    home: Home, cli: AwsCli, ada: ScriptedUser
) -> None:
    log_in(home, cli, ada)
    home.config.write_text(home.config.read_text().replace("sso_role_name = Developer", "sso_role_name = ReadOnly"))
    status, said = home.attempt(cli, "sts", "get-caller-identity", "--profile", "dev")
    assert status != 0
    assert "ResourceNotFoundException" in said
    assert "You do not have this role." in said


def test_signing_out_at_the_browser_ends_what_the_cli_holds(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    log_in(home, cli, ada)
    ada.sign_out()
    home.forget_role_credentials()
    status, said = home.attempt(cli, "sts", "get-caller-identity", "--profile", "dev")
    assert status != 0
    assert "expired or is otherwise invalid" in said or "UnauthorizedException" in said


def test_logging_out_at_the_cli_ends_its_token_here_too(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    log_in(home, cli, ada)
    kept = home.cached_token().read_text()
    path = home.cached_token()
    home.run(cli, "sso", "logout", more={"AWS_ENDPOINT_URL_SSO": home.company.bridge})
    path.write_text(kept)
    home.forget_role_credentials()
    status, _ = home.attempt(cli, "sts", "get-caller-identity", "--profile", "dev")
    assert status != 0


def test_a_person_who_says_no_stops_the_cli_with_a_sentence(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    home.write_sso_config()
    process = home.start(cli, "sso", "login", "--profile", "dev", "--use-device-code", "--no-browser")
    approve(ada, read_until(process, USER_CODE), "deny")
    status, said = ended(process)
    assert status != 0
    assert "This sign-in was not approved." in said


def test_the_browser_on_the_same_machine_needs_no_code(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    log_in(home, cli, ada)
    assert home.whoami(cli, "--profile", "dev").startswith(ME)


def test_the_start_url_shows_a_person_their_roles(home: Home, ada: ScriptedUser) -> None:
    assert ada.open("/start").url == f"{home.company.bridge}/"


def test_a_person_who_says_no_in_the_browser_stops_the_cli(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    home.write_sso_config()
    status, said = answered_in_browser(home, cli, ada, "deny")
    assert status == 255
    assert "Failed to retrieve an authorization code." in said
    cached = (home.folder / ".aws" / "sso" / "cache").glob("*.json")
    assert all("accessToken" not in json.loads(path.read_text()) for path in cached)


def test_a_cli_that_polls_too_fast_is_slowed_down_and_gets_in(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    """It asks once before it shows the code and once more at once."""
    log = home.company.folder / "bridge.log"
    before = log.read_text().count('"slow_down"')
    log_in_by_code(home, cli, ada)
    assert log.read_text().count('"slow_down"') == before + 1
    assert home.whoami(cli, "--profile", "dev").startswith(ME)


def test_a_code_that_nobody_typed_in_time_stops_the_cli(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    home.write_sso_config()
    process = home.start(cli, "sso", "login", "--profile", "dev", "--use-device-code", "--no-browser")
    code = read_until(process, USER_CODE)
    in_the_database(home, "UPDATE device_codes SET expires_at = 1")
    page = ada.open("/device")
    assert ada.browser.submit(page, page.form("/device"), user_code=code).status == 403
    status, said = ended(process)
    assert status == 255
    assert "expired" in said


def test_a_bridge_that_goes_away_while_the_cli_polls_is_named_with_its_address(
    home: Home, cli: AwsCli, tmp_path: Path
) -> None:
    home.write_sso_config()
    with tls_front(int(home.company.bridge.rpartition(":")[2]), tmp_path) as going:
        home.environment["AWS_CA_BUNDLE"] = str(going.authority)
        text = home.config.read_text().replace(home.company.bridge, going.address)
        home.config.write_text(text.replace(home.front.address, going.address))
        process = home.start(cli, "sso", "login", "--profile", "dev", "--use-device-code", "--no-browser")
        read_until(process, USER_CODE)
    status, said = ended(process)
    assert status == 255
    assert f'Could not connect to the endpoint URL: "{going.address}/token"' in said


def test_the_cli_wants_a_start_address_that_leads_to_aws_and_only_start_does(home: Home, cli: AwsCli) -> None:
    """The check that `docs/aws-clients.md` tells of: with any other page of ours the login ends before it begins."""
    home.write_sso_config()
    home.config.write_text(home.config.read_text().replace("/start", "/healthz"))
    status, said = home.attempt(cli, "sso", "login", "--profile", "dev", "--use-device-code", "--no-browser")
    assert status != 0
    assert "Could not resolve start URL" in said
