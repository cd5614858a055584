"""Where people sign in to the console: the hosts of the account's regions, and all that has to agree with them."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import botocore.loaders
import jsonschema
import pytest
import yaml
from aws_factories import CREDENTIALS, ENTITY_ID, ISSUER, NOW, account, grant, key_ring, signing_key
from databases import HeldClock
from local_aws_factories import ACCOUNT, ServedAws, served
from lxml import etree
from web_factories import ACCOUNT as WEB_ACCOUNT
from web_factories import person_at

from federation_bridge.aws import assertion, issuer, trust_policies
from federation_bridge.aws.calls import AwsCalls
from federation_bridge.aws.console import Endpoints, federation_link, saml_form
from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.aws.sts import StsClients
from federation_bridge.aws_regions import MOST_SIGN_IN_REGIONS, REGIONS, SIGN_IN_REGIONS
from federation_bridge.errors import AwsRefused, AwsUnreachable, ConfigurationInvalid, ProviderUnreachable
from federation_bridge.mapping import load_register, register_schema
from federation_bridge.model import Account, Departure, Role
from federation_bridge.sandbox.aws import provisioning
from federation_bridge.settings import Aws, Outgoing

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
HOSTS = [
    ("aws", "eu-central-1", "eu-central-1.signin.aws.amazon.com", "urn:amazon:webservices"),
    ("aws", "us-west-2", "us-west-2.signin.aws.amazon.com", "urn:amazon:webservices"),
    ("aws", "us-east-1", "signin.aws.amazon.com", "urn:amazon:webservices"),
    ("aws", "", "signin.aws.amazon.com", "urn:amazon:webservices"),
    ("aws-cn", "", "signin.amazonaws.cn", "urn:amazon:webservices:cn-north-1"),
    ("aws-us-gov", "us-gov-west-1", "signin.amazonaws-us-gov.com", "urn:amazon:webservices:govcloud"),
    ("aws-us-gov", "us-gov-east-1", "us-gov-east-1.signin.amazonaws-us-gov.com", "urn:amazon:webservices:govcloud"),
    ("aws-us-gov", "", "signin.amazonaws-us-gov.com", "urn:amazon:webservices:govcloud"),
    ("aws-eusc", "eusc-de-east-1", "eusc-de-east-1.signin.amazonaws-eusc.eu", "urn:amazon:webservices"),
    ("aws-eusc", "", "eusc-de-east-1.signin.amazonaws-eusc.eu", "urn:amazon:webservices"),
]


def at(partition: str, *regions: str) -> Account:
    return account(partition=partition, sign_in_regions=tuple(region for region in regions if region))


# -------------------------------------------------------------------------------------------------- what agrees


@pytest.mark.parametrize(("partition", "region", "host", "audience"), HOSTS)
def test_the_form_the_assertion_the_link_and_the_trust_policy_name_the_same_host(
    partition: str, region: str, host: str, audience: str
) -> None:
    of = at(partition, region)
    statement = assertion.build(grant(account=of), key=signing_key(), issuer_entity_id=ENTITY_ID, now=NOW)
    response = etree.fromstring(b64decode(statement.text))
    confirmation = response.find(f".//{SAML}SubjectConfirmationData")
    policy = trust_policies.for_role(of, "Admin", entity_id=ENTITY_ID, issuer=ISSUER)
    acs = f"https://{host}/saml"
    assert confirmation is not None
    assert confirmation.get("Recipient") == response.get("Destination") == acs
    assert response.findtext(f".//{SAML}Audience") == audience
    assert policy["Statement"][0]["Condition"]["StringEquals"]["saml:aud"] == acs
    endpoints = Endpoints.of(of, None)
    assert saml_form(grant(account=of), statement, "https://x", endpoints).url == acs
    assert [one.federation for one in endpoints] == [f"https://{host}/federation"]


def test_forms_go_to_the_first_region_and_the_trust_policy_lists_all() -> None:
    of = at("aws", "eu-west-1", "eu-central-1", "us-east-1")
    policy = trust_policies.for_role(of, "Admin", entity_id=ENTITY_ID, issuer=ISSUER)
    assert policy["Statement"][0]["Condition"]["StringEquals"]["saml:aud"] == [
        "https://eu-west-1.signin.aws.amazon.com/saml",
        "https://eu-central-1.signin.aws.amazon.com/saml",
        "https://signin.aws.amazon.com/saml",
    ]
    assert Endpoints.of(of, None)[0].saml == "https://eu-west-1.signin.aws.amazon.com/saml"


@pytest.mark.parametrize("partition", PARTITIONS)
def test_a_trust_policy_of_as_many_regions_as_may_be_is_no_longer_than_iam_takes(partition: str) -> None:
    longest = sorted(SIGN_IN_REGIONS[partition], key=len)[-MOST_SIGN_IN_REGIONS:]
    policy = trust_policies.for_role(at(partition, *longest), "Admin", entity_id=ENTITY_ID, issuer=ISSUER)
    assert len(json.dumps(policy)) <= 2048


def test_the_local_aws_of_the_settings_stands_for_every_region() -> None:
    (local,) = Endpoints.of(at("aws", "eu-west-1", "eu-central-1"), "http://127.0.0.1:4566/")
    assert local.saml == "http://127.0.0.1:4566/saml"


# ------------------------------------------------------------------------------------------------------- the link


class Service:
    """A sign-in service some of whose hosts are silent."""

    def __init__(self, *silent: str) -> None:
        self.silent, self.asked = silent, list[str]()

    def fetch(self, url: str, **_: Any) -> Any:
        self.asked.append(url)
        if any(host in url for host in self.silent):
            raise ProviderUnreachable("no route")
        return type("Answer", (), {"status": 200, "body": b'{"SigninToken":"t"}', "headers": {}})()


def linked(service: Service, *regions: str) -> Departure:
    return federation_link(
        CREDENTIALS,
        "https://x",
        issuer_url="https://bridge.example.com/go",
        endpoints=Endpoints.of(at("aws", *regions), None),
        fetch=service,
        calls=AwsCalls(1),
    )


def test_a_link_is_got_and_followed_at_the_first_region_that_answers() -> None:
    service = Service("eu-west-1")
    departure = linked(service, "eu-west-1", "eu-central-1", "us-east-1")
    assert departure.url.startswith("https://eu-central-1.signin.aws.amazon.com/federation?Action=login&")
    assert service.asked == [
        f"https://{name}.signin.aws.amazon.com/federation" for name in ("eu-west-1", "eu-central-1")
    ]
    with pytest.raises(AwsUnreachable):
        linked(Service("signin"), "eu-west-1", "eu-central-1")


# ---------------------------------------------------------------------------------------------------- the register

REGISTER = """
version: 1
accounts:
  - id: "{id}"
    name: Production
    provider: arn:{partition}:iam::{id}:saml-provider/bridge
    sign_in_regions: {regions}
    roles: [Admin]
"""


def written(partition: str, regions: str) -> str:
    return REGISTER.format(id="111122223333", partition=partition, regions=regions)


@pytest.mark.parametrize(
    ("partition", "regions", "found"),
    [
        ("aws", "[eu-central-1]", ("eu-central-1",)),
        ("aws", "[eu-west-1, us-east-1]", ("eu-west-1", "us-east-1")),
        ("aws-us-gov", "[us-gov-east-1, us-gov-west-1]", ("us-gov-east-1", "us-gov-west-1")),
        ("aws-eusc", "[eusc-de-east-1]", ("eusc-de-east-1",)),
    ],
)
def test_the_register_names_regions_in_their_order(partition: str, regions: str, found: tuple[str, ...]) -> None:
    text = written(partition, regions)
    assert load_register(text).accounts["111122223333"].sign_in_regions == found
    jsonschema.validate(yaml.load(text, Loader=yaml.BaseLoader), register_schema())


@pytest.mark.parametrize(
    ("partition", "regions", "why"),
    [
        ("aws", "[eu-centrall-1]", "did you mean 'eu-central-1'?"),
        ("aws", "[EU-CENTRAL-1]", "is not a region of partition aws"),
        ("aws", "[eu-central-9]", "did you mean 'eu-central-"),
        ("aws", "[us-gov-east-1]", "is not a region of partition aws with a sign-in endpoint"),
        ("aws", "[eu-central-1.evil.example]", "is not a region"),
        ("aws", '["eu-central-1\\n"]', "line 7"),
        ("aws", "[eu-central-1, eu-central-1]", "stands here twice"),
        ("aws", "[]", "must not be empty"),
        ("aws", "eu-central-1", "must be a list"),
        ("aws", "[us-east-1, us-east-2, us-west-1, us-west-2, eu-west-1, eu-west-2]", "at most 5"),
        ("aws-us-gov", "[us-gov-est-1]", "did you mean 'us-gov-"),
        ("aws-eusc", "[eu-central-1]", "is not a region of partition aws-eusc"),
        ("aws-cn", "[cn-north-1]", "one sign-in endpoint for all regions"),
    ],
)
def test_a_wrong_region_is_refused_at_loading_with_the_nearest(partition: str, regions: str, why: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refused:
        load_register(written(partition, regions))
    assert refused.value.detail.startswith("line 7: ")
    assert why in refused.value.detail


def test_regions_are_those_that_aws_publishes() -> None:
    published = botocore.loaders.Loader().load_data("partitions")["partitions"]
    theirs = {one["id"]: {name for name in one["regions"] if not name.endswith("-global")} for one in published}
    for partition, regions in REGIONS.items():
        assert set(regions) == theirs[partition]
        assert all(PARTITIONS[partition].region.fullmatch(region) for region in regions)
        assert PARTITIONS[partition].signin_home in regions
    assert set(REGIONS) == set(PARTITIONS)


# --------------------------------------------------------------------------------------------------- a browser's way


def test_the_pages_let_forms_lead_to_the_account_s_region_and_to_no_stranger(tmp_path: Path, clock: HeldClock) -> None:
    for person in person_at(tmp_path, clock):
        register = tmp_path / "accounts.yaml"
        text = register.read_text().replace("    roles:", "    sign_in_regions: [eu-west-3]\n    roles:")
        (tmp_path / "new.yaml").write_text(text)
        (tmp_path / "new.yaml").replace(register)
        person.sign_in(clock, "admins")
        home = person.get("/").headers["Content-Security-Policy"]
        answer = person.post(f"/roles/{WEB_ACCOUNT}/Administrator/console")
        assert 'action="https://eu-west-3.signin.aws.amazon.com/saml"' in answer.text
        for policy in (home, answer.headers["Content-Security-Policy"]):
            assert _allows(policy, "https://eu-west-3.signin.aws.amazon.com")
            assert not _allows(policy, "https://eu-west-3.signin.aws.amazon.com.evil.example")


def _allows(policy: str, origin: str) -> bool:
    targets = re.search(r"form-action ([^;]*)", policy)
    assert targets
    return any(fnmatchcase(origin, target) for target in targets[1].split())


# ---------------------------------------------------------------------------------------- a local AWS believes it


@pytest.fixture(scope="module", params=["aws", "paranoid"])
def served_aws(request: pytest.FixtureRequest) -> Iterator[ServedAws]:
    with served(mode=request.param) as local:
        metadata = issuer.saml_metadata(key_ring(), ENTITY_ID, "https://bridge.example.com")
        provisioning.put_saml_provider(local.local.state, local.account, "OurBridge", metadata)
        yield local


def redeemed(served_aws: ServedAws, asked_by: Account, trusting: Account, number: int) -> str:
    """Whose credentials are got by an assertion for the one account from a role with the other's trust policy."""
    policy = trust_policies.for_role(trusting, "Admin", entity_id=ENTITY_ID, issuer=ISSUER)
    served_aws.account.roles.pop("Admin", None)
    served_aws.put_role("Admin", policy)
    made = grant(account=asked_by, id=f"_region-{number}", decided_at=served_aws.clock())
    statement = assertion.build(made, key=signing_key(), issuer_entity_id=ENTITY_ID, now=served_aws.clock())
    sts = StsClients(Aws(local_endpoint=served_aws.address), Outgoing(), sleep=lambda _: None, clock=served_aws.clock)
    return sts.redeem(made, statement).credentials.role


def test_a_role_with_the_printed_policy_believes_its_regions_and_no_other(served_aws: ServedAws) -> None:
    plain = Account(
        ACCOUNT, "P", "aws", f"arn:aws:iam::{ACCOUNT}:saml-provider/OurBridge", "us-east-1", {"Admin": Role("Admin")}
    )
    regional = replace(plain, sign_in_regions=("eu-central-1",))
    moving = replace(plain, sign_in_regions=("us-east-1", "eu-central-1"))
    believed = [(plain, plain), (regional, regional), (moving, moving), (regional, moving), (plain, moving)]
    for number, (asked_by, trusting) in enumerate(believed):
        assert redeemed(served_aws, asked_by, trusting, number) == "Admin"
    for number, (asked_by, trusting) in enumerate([(regional, plain), (plain, regional)], 10):
        with pytest.raises(AwsRefused, match="AccessDenied"):
            redeemed(served_aws, asked_by, trusting, number)
