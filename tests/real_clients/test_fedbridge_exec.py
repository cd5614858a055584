"""Stock clients below `fedbridge exec`, in a home whose [default] is somebody else: they act as the role."""

from __future__ import annotations

import json
import sys

import pytest
from absent_software import folder, program
from cli_factories import Person
from engineer_fixtures import log_in_by_browser

from federation_bridge.sandbox.scripted_user import ScriptedUser
from real_clients.real_client_factories import ME, NODE, ROLE, Clients, Home

pytestmark = pytest.mark.interop

OTHER = "AKIAOTHERACCOUNT0000"
KEYS = f"aws_access_key_id = {OTHER}\naws_secret_access_key = x\n"
PRINTED = json.dumps({"Version": 1, "AccessKeyId": OTHER, "SecretAccessKey": "x"}, separators=(",", ":"))
REMEDY = "apt-get install nodejs npm, then `make test` fetches it"
CALLER = ["sts", "get-caller-identity", "--output", "json"]
BOTO3 = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"


@pytest.fixture
def person(home: Home, ada: ScriptedUser) -> Person:
    at_terminal = Person(home.folder, home.company.bridge)
    log_in_by_browser(at_terminal, ada)
    return at_terminal


def put_default(home: Home, kind: str) -> None:
    """The endpoint of STS comes from [default] too: a client that lost its settings would ask the real AWS."""
    aws = home.environment.pop("AWS_ENDPOINT_URL_STS")
    settings = f"services = local\n[services local]\nsts =\n  endpoint_url = {aws}\n"
    sources = {"keys": "", "process": f"credential_process = /bin/echo '{PRINTED}'\n", "none": ""}
    home.config.write_text(f"[default]\n{sources[kind]}{settings}")
    if kind == "keys":
        (home.folder / ".aws/credentials").write_text(f"[default]\n{KEYS}")


@pytest.mark.parametrize("kind", ["keys", "process", "none"])
def test_every_stock_client_acts_as_the_role_whatever_default_gives(
    home: Home, person: Person, clients: Clients, kind: str
) -> None:
    put_default(home, kind)
    modules = {"PYTHONPATH": str(clients.cli_v1.search_path)}
    for command, more in (
        ([*clients.cli.command, *CALLER], {}),
        ([*clients.cli_v1.command, *CALLER], modules),
        ([sys.executable, "-c", BOTO3], {}),
    ):
        status, out, words = person.run("exec", "--role", ROLE, "--", *command, variables=home.environment | more)
        assert (status, ME in out) == (0, True), words + out


@pytest.mark.parametrize("kind", ["keys", "process", "none"])
def test_the_sdk_for_javascript_acts_as_the_role_too(home: Home, person: Person, kind: str) -> None:
    put_default(home, kind)
    folder(NODE / "node_modules", REMEDY)
    command = [program("node", REMEDY), str(NODE / "credentials.js"), "fromNodeProviderChain"]
    status, out, words = person.run("exec", "--role", ROLE, "--", *command, variables=home.environment)
    assert status == 0, words
    assert home.company.local.state.sessions[json.loads(out)["accessKeyId"]].arn.startswith(ME)


def test_a_profile_that_the_person_names_to_the_tool_is_their_wish(
    home: Home, person: Person, clients: Clients
) -> None:
    put_default(home, "keys")
    named = [*clients.cli.command, "configure", "export-credentials", "--profile", "default"]
    out = person.run("exec", "--role", ROLE, "--", *named, variables=home.environment)[1]
    assert json.loads(out)["AccessKeyId"] == OTHER
