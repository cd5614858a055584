"""Many at once on the OIDC road, against the real server: AWS reads our keys while our threads wait for AWS."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from benchmarks import bridge
from benchmarks.bridge import ACCOUNT, IDP, PERSON, ROLE, Browser, make_place
from local_aws_factories import ISSUER, ServedAws, served

from federation_bridge.aws import id_token, trust_policies
from federation_bridge.model import Account, Role
from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.faults import Fault
from federation_bridge.sandbox.identity_provider.saml_message import SamlMessage, form_value, make_signer

PEOPLE = 24
THREADS = 8
_PATH = f"/api/v1/roles/{ACCOUNT}/{ROLE}/credentials"
_PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER.removeprefix('https://')}"


@dataclass(frozen=True)
class Served:
    """A bridge with 8 threads, the local AWS that it asks, and a browser in which somebody is signed in."""

    aws: ServedAws
    browser: Browser
    token: str

    def grant(self) -> int:
        """The status with which one grant is answered, over a connection of its own."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.browser.cookies.items())
        headers = {"X-CSRF-Token": self.token, "Content-Type": "application/json", "Cookie": cookies}
        return self.ask("POST", _PATH, "{}", headers)

    def ask(self, method: str, path: str, body: str | None = None, headers: Any = None) -> int:
        """The status of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.browser.place.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Served]:
    signer = make_signer()
    files = make_place(tmp_path / "bridge", signer, 1, None)
    with served(issuers={ISSUER: files.address}) as aws:
        _point_at(files, aws)
        with bridge.served(files):
            browser = Browser(files)
            token = _signed_in(browser, signer)
            _trust(aws)
            # boto's clock is not asked here; the bridge's is the machine's, and STS takes no token from the future.
            aws.clock.now = datetime.now(UTC) + timedelta(seconds=2)
            yield Served(aws, browser, token)
            browser.close()


def _point_at(files: bridge.BridgeFiles, aws: ServedAws) -> None:
    accounts = json.loads((files.folder / "accounts.yaml").read_text())
    accounts["accounts"][0]["provider"] = _PROVIDER
    (files.folder / "accounts.yaml").write_text(json.dumps(accounts))
    settings = json.loads(files.settings.read_text())
    settings |= {"aws_issuer": ISSUER, "aws": {"local_endpoint": aws.address, "read_timeout": "5s"}}
    settings["serving"]["threads"] = THREADS
    files.settings.write_text(json.dumps(settings))


def _trust(aws: ServedAws) -> None:
    provisioning.put_oidc_provider(aws.local.state, aws.account, ISSUER, (id_token.AUDIENCE,))
    account = Account(ACCOUNT, "production", "aws", _PROVIDER, "eu-central-1", {ROLE: Role(ROLE)})
    aws.put_role(ROLE, trust_policies.for_role(account, ROLE, entity_id="none", issuer=ISSUER))


def _signed_in(browser: Browser, signer: Any) -> str:
    request_id, relay_state = browser.leave()
    message = SamlMessage(
        issuer=IDP,
        audience=browser.place.entity_id,
        recipient=browser.place.acs,
        in_response_to=request_id,
        name_id=PERSON,
        issued_at=datetime.now(UTC),
        attributes={"id": ("00u1",), "email": (PERSON,), "name": ("Alice",), "groups": ("group-7",)},
    )
    browser.arrive(urlencode({"SAMLResponse": form_value(message, signer), "RelayState": relay_state}))
    return browser.api_token()


def test_many_more_people_than_threads_are_all_served_at_once(running: Served) -> None:
    with ThreadPoolExecutor(PEOPLE) as people:
        statuses = list(people.map(lambda _: running.grant(), range(PEOPLE)))
    assert statuses == [200] * PEOPLE


def test_while_aws_is_silent_others_are_answered_and_its_circuit_opens(running: Served) -> None:
    # Longer than a whole call may take (8 s): at a tie, a probe on a slow machine was answered after all.
    running.aws.local.faults.set(Fault("slow", "sts", seconds=12))
    with ThreadPoolExecutor(THREADS) as people:
        asked = [people.submit(running.grant) for _ in range(THREADS)]
        others = [running.ask("GET", path) for path in ("/healthz", "/.well-known/jwks.json", "/")]
        assert others == [200, 200, 200]
        assert {one.result(60) for one in asked} == {503}
    assert running.grant() == 503
    counted = running.browser.ask("GET", "/metrics")[2]
    assert 'bridge_aws_circuits_total{endpoint="sts us-east-1",state="open"} 1' in counted
