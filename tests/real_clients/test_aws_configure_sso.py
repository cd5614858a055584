"""`aws configure sso` with a session that stands in the configuration: what it asks, finds and writes."""

from __future__ import annotations

import pytest

from federation_bridge.sandbox.aws_cli import AwsCli
from federation_bridge.sandbox.scripted_user import ScriptedUser
from real_clients.real_client_factories import ME, WITHIN, Home
from real_clients.terminal import typed
from real_clients.test_aws_sso import ADDRESS

pytestmark = pytest.mark.interop

_DOWN = "\x1b[B"


def test_it_finds_the_accounts_and_roles_here_and_writes_a_profile_to_which_services_has_to_be_added(
    home: Home, cli: AwsCli, ada: ScriptedUser
) -> None:
    home.write_sso_config()
    session, services = home.config.read_text().split("[profile dev]")[0], home.config.read_text().split("[services")[1]
    home.config.write_text(session + "[services" + services)

    def agreed(address: str) -> str:
        page = ada.browser.open(address)
        ada.browser.submit(page, page.form("/oauth/authorize"), decision="allow")
        return ""

    told = {"AWS_ENDPOINT_URL_SSO": home.company.bridge, "AWS_ENDPOINT_URL_SSO_OIDC": home.company.bridge}
    environment = cli.environment(home.folder, {**home.environment, **told})
    answers = (
        ("session name", "bridge\r"),
        (ADDRESS.pattern, agreed),
        ("> analytics", _DOWN),
        ("> production", "\r"),
        ("> Administrator", _DOWN),
        ("> Developer", "\r"),
        ("(?i)region", "eu-central-1\r"),
        ("(?i)output format", "\r"),
        ("(?i)profile name", "mine\r"),
    )
    command = [*cli.command, "configure", "sso", "--no-browser"]
    status, said = typed(command, environment, home.folder, answers, WITHIN)
    assert status == 0, said
    written = home.config.read_text().partition("[profile mine]")[2].partition("\n[")[0]
    assert "sso_session = bridge" in written
    assert "sso_role_name = Developer" in written
    assert "services" not in written
    home.config.write_text(home.config.read_text().replace("[profile mine]", "[profile mine]\nservices = bridge"))
    assert home.whoami(cli, "--profile", "mine").startswith(ME)
