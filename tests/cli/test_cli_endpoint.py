"""The endpoint of `fedbridge exec` and `serve`: who gets keys from it, and what an SDK would ask before it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection

import pytest

from federation_bridge.cli.credentials.container import ContainerEndpoint, without_competitors
from federation_bridge.model import AwsCredentials

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def endpoint() -> Iterator[ContainerEndpoint]:
    given = AwsCredentials("ASIAEXAMPLE", "secret", "token", NOW, "111122223333", "Developer", "eu-central-1")
    with ContainerEndpoint(lambda: given) as serving:
        yield serving


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, 200),
        ({"Host": "attacker.test"}, 403),
        ({"Host": "localhost:{port}"}, 403),
        ({"Authorization": ""}, 401),
        ({"Authorization": "another"}, 403),
        ({"Authorization": "{token}x"}, 403),
        ({"path": "/"}, 404),
        ({"path": "/credentials/"}, 404),
        ({"path": "/credentials?x"}, 404),
    ],
)
def test_the_endpoint_answers_who_sends_its_token_to_its_own_address_and_nobody_else(
    endpoint: ContainerEndpoint, changed: dict[str, str], status: int
) -> None:
    port = endpoint.url.split(":")[2].partition("/")[0]
    asked = {"path": "/credentials", "Host": f"127.0.0.1:{port}", "Authorization": endpoint.token}
    asked |= {name: value.format(port=port, token=endpoint.token) for name, value in changed.items()}
    connection = HTTPConnection("127.0.0.1", int(port), timeout=60)
    connection.request("GET", asked.pop("path"), headers=asked)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    assert answer.status == status
    assert ("ASIAEXAMPLE" in body) == (status == 200)


def test_the_endpoint_listens_on_this_computer_alone(endpoint: ContainerEndpoint) -> None:
    assert endpoint._server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "name",
    [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ],
)
def test_what_an_sdk_would_take_instead_does_not_reach_the_command(name: str) -> None:
    assert without_competitors({name: "x", "HOME": "/home/ada"}, "") == {"HOME": "/home/ada"}
