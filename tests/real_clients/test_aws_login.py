"""`aws login --remote`: a role picked in the browser, a code carried by hand, renewals bound to the client's key."""

from __future__ import annotations

import base64
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest

from federation_bridge.cli.session.dpop import DpopKey
from federation_bridge.sandbox.aws_cli import AwsCli
from federation_bridge.sandbox.browser import Page
from federation_bridge.sandbox.scripted_user import ScriptedUser
from real_clients.real_client_factories import (
    ME,
    ROLE,
    WITHOUT_NAMED_ROLES,
    Home,
    in_the_database,
    rules_with,
    shown_config,
)
from real_clients.test_aws_sso import ended, read_until
from real_clients.tls_front import tls_front

pytestmark = pytest.mark.interop

_ADDRESS = re.compile(r"https?://\S+/v1/authorize\?\S+")


def write_config(home: Home) -> None:
    """What `docs/aws-clients.md` shows."""
    home.config.write_text(shown_config(2, home.company.bridge))


def pick(scripted_user: ScriptedUser, address: str, role: str) -> Page:
    page = scripted_user.browser.open(address)
    return scripted_user.browser.submit(page, page.form("/v1/authorize"), role=role)


def log_in_remotely(home: Home, cli: AwsCli, scripted_user: ScriptedUser) -> None:
    write_config(home)
    process = home.start(cli, "login", "--remote", "--profile", "remote")
    page = pick(scripted_user, read_until(process, _ADDRESS), ROLE)
    assert process.stdin is not None
    process.stdin.write(page.by_id["authorization-code"] + "\n")
    process.stdin.flush()
    status, said = ended(process)
    assert status == 0, said


def cache_of(home: Home) -> Path:
    (found,) = (home.folder / ".aws" / "login" / "cache").glob("*.json")
    return found


def age_credentials(home: Home, left: timedelta) -> dict[str, Any]:
    """What the cache held, whose credentials end in `left` from now on as far as clients can tell."""
    held: dict[str, Any] = json.loads(cache_of(home).read_text())
    ends_at = (datetime.now(UTC) + left).strftime("%Y-%m-%dT%H:%M:%SZ")
    cache_of(home).write_text(json.dumps({**held, "accessToken": {**held["accessToken"], "expiresAt": ends_at}}))
    return held


def log_in_here(home: Home, cli: AwsCli, scripted_user: ScriptedUser, role: str = ROLE) -> tuple[int, str, Page]:
    """How the login ends that opens the browser of the same machine, and what that shows in the end."""
    process = cli.start(home.folder, "login", "--profile", "remote", more={**home.environment, "BROWSER": "/bin/true"})
    page = pick(scripted_user, read_until(process, _ADDRESS), role)
    return *ended(process), page


def carried(home: Home, cli: AwsCli, scripted_user: ScriptedUser, spoil: Callable[[str], str]) -> tuple[int, str]:
    """How `aws login --remote` ends with the code that the page showed, after `spoil` changed its parameters."""
    write_config(home)
    process = home.start(cli, "login", "--remote", "--profile", "remote")
    shown = pick(scripted_user, read_until(process, _ADDRESS), ROLE).by_id["authorization-code"]
    assert process.stdin is not None
    changed = spoil(base64.b64decode(shown).decode())
    process.stdin.write(base64.b64encode(changed.encode()).decode() + "\n")
    process.stdin.flush()
    return ended(process)


def test_a_role_picked_in_the_browser_is_the_clis_by_a_code_carried_by_hand(
    home: Home, cli: AwsCli, ada: ScriptedUser
) -> None:
    log_in_remotely(home, cli, ada)
    assert home.whoami(cli, "--profile", "remote").startswith(ME)


def test_the_cli_renews_what_it_holds_with_the_same_key(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    log_in_remotely(home, cli, ada)
    before = age_credentials(home, timedelta(minutes=2))
    home.whoami(cli, "--profile", "remote")
    after = json.loads(cache_of(home).read_text())
    assert after["accessToken"]["accessKeyId"] != before["accessToken"]["accessKeyId"]
    assert after["refreshToken"] != before["refreshToken"]


def test_signing_out_at_the_browser_ends_the_renewals(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    log_in_remotely(home, cli, ada)
    ada.sign_out()
    age_credentials(home, timedelta(minutes=-2))
    status, said = home.attempt(cli, "sts", "get-caller-identity", "--profile", "remote")
    assert status != 0
    assert "aws login" in said


def test_on_the_same_machine_the_browser_hands_the_code_over(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    write_config(home)
    status, said, page = log_in_here(home, cli, ada)
    assert status == 0, said
    assert page.url.startswith("http://127.0.0.1:")
    assert home.whoami(cli, "--profile", "remote").startswith(ME)


def test_the_sign_in_comes_on_the_way_where_nobody_is_signed_in(home: Home, cli: AwsCli) -> None:
    write_config(home)
    ada = ScriptedUser(home.company, "ada")
    process = home.start(cli, "login", "--remote", "--profile", "remote")
    try:
        page = ada.browser.open(read_until(process, _ADDRESS))
        page = ada.type_password(ada.browser.submit(page, page.form("/sign-in"), connection="company"))
        assert page.has_form("/v1/authorize"), page.words
    finally:
        process.kill()
        process.communicate()


def test_the_page_offers_the_roles_of_the_person_and_no_other(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    write_config(home)
    process = home.start(cli, "login", "--remote", "--profile", "remote")
    try:
        page = ada.browser.open(read_until(process, _ADDRESS))
        offered = set(re.findall(r'name="role" value="([^"]+)"', page.body)) - {""}
        assert offered == set(ada.roles())
    finally:
        process.kill()
        process.communicate()


def test_a_person_who_picks_no_role_stops_the_cli(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    write_config(home)
    status, said, page = log_in_here(home, cli, ada, role="")
    assert page.url.startswith("http://127.0.0.1:")
    assert status != 0
    assert "authorization code" in said
    assert not (home.folder / ".aws" / "login").exists() or not list((home.folder / ".aws/login/cache").glob("*"))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda sent: re.sub("code=.*", f"code=fbc_{'0' * 64}", sent), id="guessed"),
        pytest.param(lambda sent: sent[:-1], id="cut short"),
    ],
)
def test_a_wrong_code_is_refused_with_what_to_do(
    home: Home, cli: AwsCli, ada: ScriptedUser, spoil: Callable[[str], str]
) -> None:
    status, said = carried(home, cli, ada, spoil)
    assert status == 255
    assert "Please reauthenticate using 'aws login'." in said


def test_an_expired_code_is_refused_with_what_to_do(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    def wait(sent: str) -> str:
        in_the_database(home, "UPDATE authorization_codes SET expires_at = 1 WHERE NOT used")
        return sent

    status, said = carried(home, cli, ada, wait)
    assert status == 255
    assert "expired authorization code" in said


def test_a_code_that_somebody_else_tried_first_is_used_up(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    """A thief who read the code over the shoulder has neither verifier nor key; the code dies with the attempt."""

    def steal(sent: str) -> str:
        code = dict(parse_qsl(sent))["code"]
        thief = DpopKey.fresh()
        address = f"{home.company.bridge}/v1/token"
        body = {"clientId": "arn:aws:signin:::devtools/cross-device", "grantType": "authorization_code", "code": code}
        body |= {"codeVerifier": "v" * 64, "redirectUri": f"{home.company.bridge}/v1/sessions/confirmation"}
        proof = thief.proof("POST", address, datetime.now(UTC))
        headers = {"Content-Type": "application/json", "DPoP": proof}
        request = urllib.request.Request(address, json.dumps(body).encode(), headers)
        with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(request):
            pass
        with refused.value as answer:
            assert (answer.code, json.load(answer)["error"]) == (401, "AUTHCODE_EXPIRED")
        return sent

    status, said = carried(home, cli, ada, steal)
    assert status == 255
    assert "expired authorization code" in said


def test_what_is_no_code_at_all_is_refused_by_the_cli(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    status, said = carried(home, cli, ada, lambda _: "nothing of the kind")
    assert status != 0
    assert "code" in said


def test_a_role_that_is_lost_meanwhile_ends_the_renewals(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    log_in_remotely(home, cli, ada)
    age_credentials(home, timedelta(minutes=-2))
    with rules_with(ada, WITHOUT_NAMED_ROLES):
        status, said = home.attempt(cli, "sts", "get-caller-identity", "--profile", "remote")
        assert status == 255
        assert "permissions" in said, said


def test_a_bridge_that_goes_away_before_the_code_comes_is_named_with_its_address(
    home: Home, cli: AwsCli, ada: ScriptedUser, tmp_path: Path
) -> None:
    port = int(home.company.bridge.rpartition(":")[2])
    with tls_front(port, tmp_path) as going:
        home.environment["AWS_CA_BUNDLE"] = str(going.authority)
        home.config.write_text("[profile remote]\nregion = us-east-1\n")
        process = home.start(cli, "login", "--remote", "--profile", "remote", "--endpoint-url", going.address)
        address = read_until(process, _ADDRESS).replace(going.address, home.company.bridge)
        address = address.replace(quote(going.address, safe=""), quote(home.company.bridge, safe=""))
        shown = pick(ada, address, ROLE).by_id["authorization-code"]
    assert process.stdin is not None
    process.stdin.write(shown + "\n")
    process.stdin.flush()
    status, said = ended(process)
    assert status == 255
    assert going.address in said


def test_an_endpoint_on_the_command_line_serves_one_login_and_no_renewal(
    home: Home, cli: AwsCli, ada: ScriptedUser
) -> None:
    """What `docs/aws-clients.md` warns of: the renewal asks the real AWS, here behind a proxy that nobody serves."""
    home.config.write_text("[profile once]\nregion = us-east-1\n")
    process = home.start(cli, "login", "--remote", "--profile", "once", "--endpoint-url", home.company.bridge)
    page = pick(ada, read_until(process, _ADDRESS), ROLE)
    assert process.stdin is not None
    process.stdin.write(page.by_id["authorization-code"] + "\n")
    process.stdin.flush()
    status, said = ended(process)
    assert status == 0, said
    assert home.whoami(cli, "--profile", "once").startswith(ME)
    assert "endpoint_url" not in home.config.read_text()
    age_credentials(home, timedelta(minutes=2))
    nobody = {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1", "AWS_MAX_ATTEMPTS": "1"}
    status, said = home.attempt(cli, "sts", "get-caller-identity", "--profile", "once", "--debug", more=nobody)
    asked = set(re.findall(r"url=(https?://[^/]+/v1/token)", said))
    assert (status, asked) == (255, {"https://us-east-1.signin.aws.amazon.com/v1/token"}), said
