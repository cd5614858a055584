"""A role as a plain word, a default role, the region: what each command takes them for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from cli_factories import Person
from fake_bridge import ROLE, FakeBridge, Reply, fake_bridge

from federation_bridge.cli.credentials.container import ContainerEndpoint, without_competitors
from federation_bridge.cli.credentials.roles import RoleOnOffer, named_role
from federation_bridge.cli.failures import RoleRefused

MANY = 3_000


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as made:
        about = {"partition": "aws", "role_arn": "arn", "max_duration": "8h", "because": [], "region": "eu-central-1"}
        listed = [("111122223333", "production", "Developer"), ("111122223333", "production", "Reader")]
        rows = [{**about, "account": one, "account_name": two, "role": three} for one, two, three in listed]
        made.answers["/api/v1/roles"] = Reply(body={"roles": rows})
        made.answers[f"/api/v1/roles/{ROLE}/credentials"] = made.credentials()
        yield made


SHOW = (sys.executable, "-c", "import os; print(os.environ.get('AWS_REGION'), os.environ.get('AWS_DEFAULT_REGION'))")


@pytest.mark.parametrize("role", [("production/Developer",), ("Developer",), (ROLE,), ("--role", "Developer"), ()])
def test_a_role_is_a_plain_word_wherever_it_is_an_option(ada: Person, role: tuple[str, ...]) -> None:
    ada.variables |= {} if role else {"FEDBRIDGE_ROLE": "production/Developer"}
    assert json.loads(ada.run("credentials", *role)[1])["Role"] == "Developer"
    assert ada.run("console", *role)[1] == f"{ada.bridge}/go/{ROLE}\n"
    assert json.loads(ada.run("credential-process", *role)[1])["AccessKeyId"] == "ASIAEXAMPLE"
    status, out, words = ada.run("exec", *role, "--", *SHOW)
    assert (status, out) == (0, "eu-central-1 eu-central-1\n"), words


def test_a_named_role_wins_over_the_default_one_and_one_that_fits_nothing_is_told(ada: Person) -> None:
    ada.variables["FEDBRIDGE_ROLE"] = "production/Administrator"
    assert json.loads(ada.run("credentials", "Developer")[1])["Role"] == "Developer"
    status, _, words = ada.run("credentials")
    assert (status, "You have no role called production/Administrator" in words) == (5, True)


def test_all_behind_the_dashes_is_the_command_s_own(ada: Person) -> None:
    echo = (sys.executable, "-c", "import sys; print(sys.argv[1:])", "--role", "x", "--", "--region", "y")
    status, out, words = ada.run("exec", "Developer", "--", *echo)
    assert (status, out) == (0, "['--role', 'x', '--', '--region', 'y']\n"), words
    for wrong in (("exec", "Developer", "aws", "s3"), ("exec", "--role", "Developer", "aws")):
        status, out, words = ada.run(*wrong)
        assert (status, out) == (2, ""), words


# --------------------------------------------------------------------------------------------------------- the region


@pytest.mark.parametrize(
    ("options", "variables", "shown"),
    [
        ((), {}, "eu-central-1 eu-central-1"),
        (("--region", "ap-east-1"), {}, "ap-east-1 ap-east-1"),
        (
            ("--region", "ap-east-1"),
            {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"},
            "ap-east-1 ap-east-1",
        ),
        ((), {"AWS_REGION": "us-east-1"}, "us-east-1 us-east-1"),
        ((), {"AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1 us-east-1"),
        ((), {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-west-2"}, "us-east-1 us-west-2"),
    ],
)
def test_every_sdk_finds_one_region(
    ada: Person, options: tuple[str, ...], variables: dict[str, str], shown: str
) -> None:
    status, out, words = ada.run("exec", "Developer", *options, "--", *SHOW, variables=variables)
    assert (status, out) == (0, f"{shown}\n"), words


def test_a_region_is_printed_with_credentials_and_a_wrong_one_asks_the_bridge_for_none(
    ada: Person, bridge: FakeBridge
) -> None:
    out = ada.run("credentials", "Developer", "--format", "env", "--region", "ap-east-1")[1]
    assert "export AWS_REGION='ap-east-1'\nexport AWS_DEFAULT_REGION='ap-east-1'\n" in out
    for command in ("credentials", "exec", "serve", "web-identity"):
        more = ("--", "true") if command in {"exec", "web-identity"} else ()
        bridge.asked.clear()
        status, out, words = ada.run(command, ROLE, "--region", "eu-central-1;x", *more)
        assert (status, out, "is not a region" in words) == (2, "", True)
        assert not [path for path in bridge.paths() if path.endswith(("/credentials", "/web-identity-token"))]


def test_without_a_known_region_none_is_invented() -> None:
    assert without_competitors({"HOME": "/x"}, "") == {"HOME": "/x"}


# ---------------------------------------------------------------------------------------------- nothing, and too many


def test_a_filter_without_a_hit_says_so_and_writes_no_profile_away(ada: Person) -> None:
    assert ada.run("roles", "--filter", "prodev")[0] == 0
    for words in (("roles", "--filter", "zzz"), ("roles", "--filter", "zzz", "--json")):
        status, out, told = ada.run(*words)
        assert (status, out, told) == (1, "", "fedbridge: None of your 2 roles matches zzz.\n")
    assert ada.run("configure", "--yes")[0] == 0
    before = (ada.home / ".aws/config").read_text()
    assert ada.run("configure", "--yes", "--filter", "zzz")[0] == 1
    assert (ada.home / ".aws/config").read_text() == before


def _not_held(_: object) -> Reply:
    error = {"code": "role_not_granted", "message": "You do not have this role.", "reference": "5CJV-6RCZ"}
    return Reply(403, {"error": error})


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("111122223333/Developr", "production/Developer, production/Reader"),
        ("111122223333/Readers", "production/Reader, production/Developer"),
        ("444455556666/Reader", "production/Reader"),
        ("444455556666/Nobody", ""),
    ],
)
def test_a_role_by_number_that_one_does_not_have_is_told_with_near_ones_and_the_next_step(
    ada: Person, bridge: FakeBridge, key: str, near: str
) -> None:
    next_step = f"Did you mean: {near}? fedbridge roles lists yours." if near else "fedbridge roles lists yours."
    for path, command in (("credentials", ("exec", key, "--", "true")), ("web-identity-token", ("web-identity", key))):
        bridge.answers[f"/api/v1/roles/{key}/{path}"] = _not_held
        status, out, told = ada.run(*command)
        assert (status, out) == (5, "")
        assert told == f"fedbridge: You do not have this role. (reference 5CJV-6RCZ) {next_step}\n"
    bridge.answers["/api/v1/roles"] = Reply(503, {})
    assert ada.run("credentials", key, "--duration", "1h")[2].endswith("5CJV-6RCZ) fedbridge roles lists yours.\n")


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("arn:aws:iam::111122223333:role/Developr", "production/Developer, production/Reader"),
        ("arn:aws:iam::444455556666:role/team/Reader", "production/Reader"),
        ("production/Developr", "production/Developer, production/Reader"),
        ("arn:aws:iam::444455556666:role/Nobody", ""),
    ],
)
def test_a_role_by_arn_or_name_that_one_does_not_have_is_told_with_near_ones(ada: Person, text: str, near: str) -> None:
    status, _, told = ada.run("credentials", text)
    meant = f" Did you mean: {near}?" if near else ""
    assert (status, told) == (5, f"fedbridge: You have no role called {text}.{meant} fedbridge roles lists yours.\n")


def test_no_error_prints_thousands_of_names() -> None:
    roles = [RoleOnOffer(f"{n:012}", f"account {n}", "aws", "Developer", f"arn{n}", "1h") for n in range(MANY)]
    for text in ("Developer", "Developr", "account 17/Develop"):
        with pytest.raises(RoleRefused) as refused:
            named_role(text, roles)
        assert len(refused.value.detail) < 300
    with pytest.raises(RoleRefused, match=f"and {MANY - 3} more"):
        named_role("Developer", roles)


# ------------------------------------------------------------------------------------------------------- the endpoint


def test_a_missing_token_is_told_apart_from_a_wrong_one() -> None:
    with ContainerEndpoint(lambda: pytest.fail("credentials were asked for")) as endpoint:
        port = int(endpoint.url.split(":")[2].partition("/")[0])
        for headers, status, word in (({}, 401, "no token"), ({"Authorization": "x"}, 403, "wrong token")):
            connection = HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/credentials", headers=headers)
            answer = connection.getresponse()
            assert (answer.status, word in answer.read().decode()) == (status, True)
            connection.close()
