"""`aws login --remote`: a role picked in the browser, a code carried by hand, renewals bound to the client's key."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from real_client_material import ROLE, Home
from test_aws_sso import ended, read_until

from federation_bridge.sandbox.aws_cli import AwsCli
from federation_bridge.sandbox.browser import Page
from federation_bridge.sandbox.visitor import Visitor

pytestmark = pytest.mark.interop

_ADDRESS = re.compile(r"https?://\S+/v1/authorize\?\S+")


def write_config(home: Home) -> None:
    """What `docs/aws-clients.md` tells a person to write."""
    home.config.write_text(
        "[profile remote]\nregion = us-east-1\nservices = bridge\n\n"
        f"[services bridge]\nsignin =\n  endpoint_url = {home.company.bridge}\n"
    )


def pick(visitor: Visitor, address: str, role: str) -> Page:
    page = visitor.browser.open(address)
    return visitor.browser.submit(page, page.form("/v1/authorize"), role=role)


def log_in_remotely(home: Home, cli: AwsCli, visitor: Visitor) -> None:
    write_config(home)
    process = home.start(cli, "login", "--remote", "--profile", "remote")
    page = pick(visitor, read_until(process, _ADDRESS), ROLE)
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


def test_a_role_picked_in_the_browser_is_the_clis_by_a_code_carried_by_hand(
    home: Home, cli: AwsCli, ada: Visitor
) -> None:
    log_in_remotely(home, cli, ada)
    assert f":assumed-role/{ROLE.partition('/')[2]}/ada" in home.whoami(cli, "--profile", "remote")


def test_the_cli_renews_what_it_holds_with_the_same_key(home: Home, cli: AwsCli, ada: Visitor) -> None:
    log_in_remotely(home, cli, ada)
    before = age_credentials(home, timedelta(minutes=2))
    home.whoami(cli, "--profile", "remote")
    after = json.loads(cache_of(home).read_text())
    assert after["accessToken"]["accessKeyId"] != before["accessToken"]["accessKeyId"]
    assert after["refreshToken"] != before["refreshToken"]


def test_signing_out_at_the_browser_ends_the_renewals(home: Home, cli: AwsCli, ada: Visitor) -> None:
    log_in_remotely(home, cli, ada)
    ada.sign_out()
    age_credentials(home, timedelta(minutes=-2))
    status, said = home.attempt(cli, "sts", "get-caller-identity", "--profile", "remote")
    assert status != 0
    assert "aws login" in said


def test_on_the_same_machine_the_browser_hands_the_code_over(home: Home, cli: AwsCli, ada: Visitor) -> None:
    write_config(home)
    process = cli.start(home.folder, "login", "--profile", "remote", more={**home.environment, "BROWSER": "/bin/true"})
    page = pick(ada, read_until(process, _ADDRESS), ROLE)
    assert page.url.startswith("http://127.0.0.1:")
    status, said = ended(process)
    assert status == 0, said
    assert f":assumed-role/{ROLE.partition('/')[2]}/ada" in home.whoami(cli, "--profile", "remote")


def test_the_sign_in_comes_on_the_way_where_nobody_is_signed_in(home: Home, cli: AwsCli) -> None:
    write_config(home)
    ada = Visitor(home.company, "ada")
    process = home.start(cli, "login", "--remote", "--profile", "remote")
    try:
        page = ada.browser.open(read_until(process, _ADDRESS))
        page = ada.type_password(ada.browser.submit(page, page.form("/sign-in"), connection="company"))
        assert page.has_form("/v1/authorize"), page.words
    finally:
        process.kill()
        process.communicate()
