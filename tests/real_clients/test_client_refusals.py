"""What every stock client says when the bridge says no: a status that is not 0, and words that tell what to do."""

from __future__ import annotations

import sys
from datetime import timedelta

import begun_programs
import pytest
from cli_factories import Person

from federation_bridge.sandbox.aws_cli import AwsCli
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.scripted_user import ScriptedUser
from real_clients.real_client_factories import ME, WITHOUT_NAMED_ROLES, Clients, Home, rules_with
from real_clients.test_aws_sso import age, log_in
from real_clients.test_fedbridge_profiles import PROFILE, person, served

pytestmark = pytest.mark.interop
__all__ = ["person"]

_PLATFORM = ("group: platform-admins", "group: nobody-at-all")

_ONLY_STATUS = "Server responded with status: {}"
"""All that the SDK for JavaScript tells of an endpoint's no; its chain of providers tells not even that."""


def operator(company: Company, *words: str) -> str:
    """What the operator's command says that ends well."""
    command = [sys.executable, "-m", "federation_bridge.operate", *words]
    settings = ["--settings", str(company.folder / "settings.yaml")]
    done = begun_programs.run([*command, *settings], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def forget_answers(person: Person) -> None:
    """The cached credentials of `fedbridge`, as if their time had passed."""
    for answer in (person.folder / "answers").iterdir():
        answer.unlink()


def check_all_say(refusals: dict[str, tuple[int, str]], *sentences: str) -> None:
    """Every client failed, and each said at least one of the sentences."""
    assert refusals
    for client, (status, said) in refusals.items():
        assert status != 0, client
        assert any(sentence in said for sentence in sentences), f"{client} said: {said}"


# ---------------------------------------------------------------------------------------------------------- aws sso


def test_sessions_that_an_operator_ends_are_dead_at_once_for_every_client(
    home: Home, cli: AwsCli, ada: ScriptedUser, clients: Clients
) -> None:
    log_in(home, cli, ada)
    assert home.whoami(cli, "--profile", "dev").startswith(ME)
    home.forget_role_credentials()
    assert not operator(home.company, "sessions", "end", "--person", "company/p-1001").startswith("0 ended.")
    check_all_say(
        clients.refusals(home, AWS_PROFILE="dev"), "session associated with this profile has expired", "UnauthorizedEx"
    )
    assert "/sign-in" in ada.open().body


def test_after_sso_logout_no_client_finds_a_token_and_a_copy_of_it_is_dead(
    home: Home, cli: AwsCli, ada: ScriptedUser, clients: Clients
) -> None:
    log_in(home, cli, ada)
    path, kept = home.cached_token(), home.cached_token().read_text()
    home.run(cli, "sso", "logout", more={"AWS_ENDPOINT_URL_SSO": home.company.bridge})
    assert not path.exists()
    check_all_say(clients.refusals(home, AWS_PROFILE="dev"), "Token for bridge does not exist", "aws sso login")
    path.write_text(kept)
    age(path, timedelta(minutes=2))
    check_all_say(clients.refusals(home, AWS_PROFILE="dev"), "has expired", "UnauthorizedException")
    assert ada.roles() != [], "the browser's session is another"


def test_a_role_that_is_lost_meanwhile_is_refused_by_name_and_the_session_stays(
    home: Home, cli: AwsCli, ada: ScriptedUser, clients: Clients
) -> None:
    log_in(home, cli, ada)
    with rules_with(ada, WITHOUT_NAMED_ROLES):
        check_all_say(clients.refusals(home, AWS_PROFILE="dev"), "You do not have this role.")
    assert home.whoami(cli, "--profile", "dev").startswith(ME)


def test_who_has_lost_every_role_is_signed_out_for_good(home: Home, cli: AwsCli, ada: ScriptedUser) -> None:
    log_in(home, cli, ada)
    with rules_with(ada, WITHOUT_NAMED_ROLES, _PLATFORM):
        status, said = home.attempt(cli, "sts", "get-caller-identity", "--profile", "dev")
        assert (status, "session associated with this profile has expired" in said) == (255, True), said
    assert home.attempt(cli, "sts", "get-caller-identity", "--profile", "dev")[0] == 255


def test_a_bridge_that_is_away_is_named_with_its_address_by_every_client(
    home: Home, cli: AwsCli, ada: ScriptedUser, clients: Clients
) -> None:
    log_in(home, cli, ada)
    away = "http://127.0.0.1:9"
    home.config.write_text(home.config.read_text().replace(home.company.bridge, away))
    refusals = clients.refusals(home, AWS_PROFILE="dev", AWS_MAX_ATTEMPTS="1")
    check_all_say(refusals, f'Could not connect to the endpoint URL: "{away}', "ECONNREFUSED 127.0.0.1:9")


# -------------------------------------------------------------------------------- credential_process, and the endpoint


def test_a_credential_process_without_a_session_tells_every_client_how_to_sign_in(
    home: Home, person: Person, clients: Clients
) -> None:
    assert person.run("configure", "--yes")[0] == 0
    assert person.run("logout")[0] == 0
    refusals = clients.refusals(home, provider="fromProcess", AWS_PROFILE=PROFILE)
    check_all_say(refusals, f"fedbridge login {home.company.bridge}")


def test_a_credential_process_whose_role_is_lost_says_so_to_every_client(
    home: Home, person: Person, ada: ScriptedUser, clients: Clients
) -> None:
    assert person.run("configure", "--yes")[0] == 0
    assert home.boto3_whoami(AWS_PROFILE=PROFILE).startswith(ME)
    with rules_with(ada, WITHOUT_NAMED_ROLES):
        forget_answers(person)
        refusals = clients.refusals(home, provider="fromProcess", AWS_PROFILE=PROFILE)
        check_all_say(refusals, "You do not have this role.")


def test_the_endpoint_of_serve_tells_why_it_has_no_credentials(
    home: Home, person: Person, ada: ScriptedUser, clients: Clients
) -> None:
    with served(person) as variables, rules_with(ada, WITHOUT_NAMED_ROLES):
        forget_answers(person)
        refusals = clients.refusals(home, provider="fromHttp", **variables)
        check_all_say(refusals, "You do not have this role.", _ONLY_STATUS.format(503))


def test_the_endpoint_of_serve_gives_nothing_without_its_token(home: Home, person: Person, clients: Clients) -> None:
    with served(person) as variables:
        stranger = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"]}
        check_all_say(clients.refusals(home, provider="fromHttp", **stranger), "no token", _ONLY_STATUS.format(401))
        assert home.boto3_whoami(**variables).startswith(ME)
