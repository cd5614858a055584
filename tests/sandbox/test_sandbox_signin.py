# ruff: noqa: F811 - fixtures are named where they are asked for
"""Sign-in pages of the local AWS: the federation endpoint, the SAML form, the role picker, the console page."""

# ruff: noqa: RUF001 - the rows of a table stay on one line; odd digits are the point of their case

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from local_aws_factories import ATTRIBUTE, ServedAws, allow, policy, response, signer
from local_aws_fixtures import served_aws  # noqa: F401 - a fixture

from federation_bridge.sandbox.aws import provisioning

DESTINATION = "https://eu-west-1.console.aws.amazon.com/s3/home?region=eu-west-1"


@dataclass
class Browser:
    served_aws: ServedAws
    session: requests.Session

    def federation(self, **fields: str) -> requests.Response:
        return self.session.post(f"{self.served_aws.address}/federation", data=fields)

    def token(self, credentials: Any, **fields: str) -> requests.Response:
        shown = {
            "sessionId": credentials["AccessKeyId"],
            "sessionKey": credentials["SecretAccessKey"],
            "sessionToken": credentials["SessionToken"],
        }
        return self.federation(Action="getSigninToken", Session=json.dumps(shown), **fields)

    def login(self, token: str, destination: str = DESTINATION, **fields: str) -> requests.Response:
        query = {"Action": "login", "Destination": destination, "SigninToken": token, **fields}
        return self.session.get(f"{self.served_aws.address}/federation", params=query)

    def saml(self, message: Any = None, path: str = "/saml", **fields: str) -> requests.Response:
        text = response(message or self.served_aws.message(), signer())
        return self.session.post(f"{self.served_aws.address}{path}", data={"SAMLResponse": text, **fields})

    def console(self) -> requests.Response:
        return self.session.get(f"{self.served_aws.address}/console")


@pytest.fixture
def browser(served_aws: ServedAws) -> Iterator[Browser]:
    with requests.Session() as session:
        session.trust_env = False
        yield Browser(served_aws, session)


def test_a_link_bought_with_credentials_leads_to_a_page_that_says_who_is_there(browser: Browser) -> None:
    attributes = {"SourceIdentity": ["alice"], "PrincipalTag:team": ["red"]}
    credentials = browser.served_aws.assume(browser.served_aws.message(attributes=attributes))["Credentials"]
    token = browser.token(credentials).json()["SigninToken"]
    page = browser.login(token, Issuer="https://bridge.example.test/")
    assert page.status_code == 200
    for told in (
        "arn:aws:sts::111122223333:assumed-role/Reader/alice@example.com",
        "111122223333",
        "team = red",
        "eu-west-1.console.aws.amazon.com",
        "reports",
        credentials["Expiration"].strftime("%Y-%m-%d %H:%M:%S UTC"),
    ):
        assert told in page.text
    assert page.history[0].status_code == 302
    assert page.history[0].headers["Cache-Control"] == "no-store"
    assert "HttpOnly" in page.history[0].headers["Set-Cookie"]


def test_a_link_is_good_for_fifteen_minutes(browser: Browser) -> None:
    token = browser.token(browser.served_aws.credentials()).json()["SigninToken"]
    browser.served_aws.clock.now += timedelta(minutes=15)
    assert browser.login(token).status_code == 400
    assert browser.console().status_code == 401


def test_the_console_ends_with_the_credentials_and_leads_back(browser: Browser) -> None:
    token = browser.token(browser.served_aws.credentials(DurationSeconds=900)).json()["SigninToken"]
    assert browser.login(token, Issuer="https://bridge.example.test/again").status_code == 200
    browser.served_aws.clock.now += timedelta(seconds=900)
    ended = browser.console()
    assert ended.status_code == 401
    assert "https://bridge.example.test/again" in ended.text


def test_an_issuer_that_is_no_web_address_is_never_linked(browser: Browser) -> None:
    token = browser.token(browser.served_aws.credentials(DurationSeconds=900)).json()["SigninToken"]
    browser.login(token, Issuer="javascript:alert(1)")
    browser.served_aws.clock.now += timedelta(seconds=900)
    assert "javascript:" not in browser.console().text


@pytest.mark.parametrize(
    ("duration", "status"),
    [
        ("899", 400),
        ("900", 200),
        ("14399", 200),
        ("14400", 400),
        ("43201", 400),
        ("x", 400),
        ("９００", 400),
        ("", 200),
    ],
)
def test_a_console_session_is_shorter_than_the_role_s_longest(duration: str, status: int, browser: Browser) -> None:
    assert browser.token(browser.served_aws.credentials(), SessionDuration=duration).status_code == status


def test_a_chained_session_must_not_ask_for_a_length(browser: Browser) -> None:
    served_aws = browser.served_aws
    served_aws.role = served_aws.put_role(
        "Hub", served_aws.trust(), permissions={"hop": policy(allow("sts:AssumeRole"))}
    )
    trust = policy({"Effect": "Allow", "Principal": {"AWS": served_aws.role.arn}, "Action": "sts:AssumeRole"})
    target = served_aws.put_role("Target", trust, max_session=timedelta(hours=12))
    sts = served_aws.sts(served_aws.credentials())
    chained = sts.assume_role(RoleArn=target.arn, RoleSessionName="next")["Credentials"]
    assert browser.token(chained, SessionDuration="900").status_code == 400
    assert browser.token(chained).status_code == 200


def test_a_federation_token_must_not_ask_for_a_length_either(browser: Browser) -> None:
    keys = browser.served_aws.user("broker", allow("sts:GetFederationToken"))
    credentials = browser.served_aws.sts(keys).get_federation_token(Name="alice")["Credentials"]
    assert browser.token(credentials, SessionDuration="900").status_code == 400
    assert browser.token(credentials).status_code == 200


def test_wrong_and_expired_credentials_buy_no_link(browser: Browser) -> None:
    credentials = browser.served_aws.credentials()
    for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"):
        assert browser.token({**credentials, name: "wrong"}).status_code == 400
    browser.served_aws.clock.now += timedelta(hours=1)
    assert browser.token(credentials).status_code == 400


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", "[" * 100_000, '{"sessionId": 1}', "null"])
def test_a_malformed_session_buys_no_link(text: str, browser: Browser) -> None:
    assert browser.federation(Action="getSigninToken", Session=text).status_code == 400


@pytest.mark.parametrize(
    "destination",
    [
        "",
        "https://console.aws.amazon.com.example.test/",
        "https://example.test/",
        "http://console.aws.amazon.com/",
        "https://user@console.aws.amazon.com/",
        "https://console.aws.amazon.com:8443/",
        "https://console.aws.amazon.com\\@example.test/",
        "https://a.b.c.console.aws.amazon.com/",
        "//console.aws.amazon.com/",
        "https://[/",
    ],
)
def test_login_leads_only_to_the_console(destination: str, browser: Browser) -> None:
    token = browser.token(browser.served_aws.credentials()).json()["SigninToken"]
    assert browser.login(token, destination).status_code == 400


@pytest.mark.parametrize(
    "destination",
    [
        "https://console.aws.amazon.com/",
        "https://us-gov-west-1.console.amazonaws-us-gov.com/x",
        "https://111122223333-abc.eu-west-1.console.aws.amazon.com/",
        "https://console.amazonaws.cn/",
    ],
)
def test_the_console_has_these_hosts(destination: str, browser: Browser) -> None:
    token = browser.token(browser.served_aws.credentials()).json()["SigninToken"]
    assert browser.login(token, destination).status_code == 200


# ---------------------------------------------------------------------------------------------------------- SAML form


def test_a_posted_assertion_for_one_role_signs_straight_in(browser: Browser) -> None:
    page = browser.saml(RelayState=DESTINATION)
    assert "assumed-role/Reader/alice@example.com" in page.text
    assert "eu-west-1.console.aws.amazon.com" in page.text


def test_several_roles_are_offered_and_the_picked_one_counts(browser: Browser) -> None:
    served_aws = browser.served_aws
    served_aws.put_role("Admin", served_aws.trust())
    arns = [served_aws.account.arn(f"role/{name}") for name in ("Reader", "Admin")]
    message = served_aws.message(attributes={"Role": [f"{arn},{served_aws.provider_arn}" for arn in arns]})
    offer = browser.saml(message)
    assert all(f'value="{arn}"' in offer.text for arn in arns)
    assert browser.console().status_code == 401
    assert "assumed-role/Admin/" in browser.saml(message, roleIndex=arns[1]).text
    assert browser.saml(message, roleIndex=served_aws.account.arn("role/Other")).status_code == 400


def test_in_the_console_session_duration_lengthens_too(browser: Browser) -> None:
    message = browser.served_aws.message(attributes={"SessionDuration": ["14400"]})
    assert browser.saml(message).status_code == 200
    browser.served_aws.clock.now += timedelta(hours=4, seconds=-1)
    assert browser.console().status_code == 200
    browser.served_aws.clock.now += timedelta(seconds=1)
    assert browser.console().status_code == 401


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"audience": "urn:other"}, "Response does not contain the required audience."),
        ({"audience": None}, "Response does not contain the required audience."),
        ({"recipient": "https://elsewhere.example.test/saml"}, "Invalid base64 SAMLResponse"),
        ({"recipient": "not-a-url"}, "Invalid base64 SAMLResponse"),
        ({"issuer": "https://other.example.test"}, "Issuer not present in specified provider"),
        ({"signed": "none"}, "mandatory signature"),
        ({"valid_for": timedelta(seconds=-1)}, "Response has expired"),
        ({"attributes": {f"{ATTRIBUTE}RoleSessionName": ["alice"]}}, "Specified provider doesn&#39;t exist"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_the_form_endpoint_says_why_not(changes: dict[str, Any], sentence: str, browser: Browser) -> None:
    attributes = changes.pop("attributes", None)
    message = browser.served_aws.message(**changes)
    if attributes is not None:
        message = replace(message, attributes=attributes)
    page = browser.saml(message)
    assert page.status_code == 400
    assert sentence in page.text
    assert browser.console().status_code == 401


def test_encrypted_assertions_go_to_the_provider_s_own_address(browser: Browser) -> None:
    served_aws = browser.served_aws
    provider = provisioning.change_saml_provider(
        served_aws.local.state,
        served_aws.account,
        "bridge",
        encryption="Required",
        add_private_key=signer("decrypts").private_pem.decode(),
    )
    message = served_aws.message(
        encrypt_to=signer("decrypts").certificate_pem,
        recipient=f"https://us-east-1.signin.aws.amazon.com/saml/acs/{provider.uuid}",
    )
    assert "assumed-role/Reader" in browser.saml(message, f"/saml/acs/{provider.uuid}").text


def test_pages_are_shut_to_scripts_frames_and_caches(browser: Browser) -> None:
    headers = browser.saml().headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/federation", "/federation?Action=logout", "/saml", "/saml/other", "/console/x", "/consolee"]
)
def test_other_requests_are_refused_with_a_page(path: str, browser: Browser) -> None:
    assert 400 <= browser.session.get(f"{browser.served_aws.address}{path}").status_code < 500
