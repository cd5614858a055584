"""What `aws onboard` writes, read by the tools of those who will run it."""

from __future__ import annotations

import json
import re
from typing import Any

import hcl2
import pytest
from local_aws_factories import ACCOUNT
from onboarding_factories import READ_ONLY, REVOKING, hostile, plan, registered

from federation_bridge.aws.onboarding import FORMATS, AccountPlan, cloudformation, files_of, terraform
from federation_bridge.aws.onboarding.plan import OidcProvider
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.mapping import load_register
from federation_bridge.model import Account

ACCOUNTS = {
    "saml": registered(),
    "oidc": registered("oidc"),
    "hostile": hostile(),
    "china": registered(partition="aws-cn", region="cn-north-1"),
    "gov": registered(partition="aws-us-gov", region="us-gov-west-1"),
}


def made(account: Account, revoking: tuple[str, str] | None = None) -> AccountPlan:
    policies = {**READ_ONLY, hostile().id + "/-r0": ("arn:{partition}:iam::{account}:policy/a/b",)}
    return plan(account, tags={"Team": "a b", "Ünit": "日本"}, policies=policies, revoking=revoking)


def findings(text: str, region: str) -> list[str]:
    # Here, because each process that collects tests would take a second to load it.
    from cfnlint.api import ManualArgs, lint  # noqa: PLC0415 - it takes a second

    return [str(one) for one in lint(text, config=ManualArgs(regions=[region], include_checks=["I"]))]


@pytest.mark.parametrize("for_any_account", [False, True], ids=["account", "stack-set"])
@pytest.mark.parametrize("name", ACCOUNTS)
def test_cfn_lint_finds_nothing_in_a_template(name: str, for_any_account: bool) -> None:
    account = ACCOUNTS[name]
    for text in cloudformation.templates(made(account, REVOKING), for_any_account=for_any_account):
        assert findings(text, account.region) == []


def test_cfn_lint_sees_what_is_wrong() -> None:
    template = json.loads(cloudformation.templates(made(registered()))[0])
    template["Resources"]["BridgeProvider"]["Properties"]["Mode"] = "x"
    assert "'Mode' was unexpected" in findings(json.dumps(template), "us-east-1")[0]


# -------------------------------------------------------------------------------------------------------- Terraform


def meant(value: Any) -> Any:
    """What a parsed value means: python-hcl2 keeps quotes and escapes as they are written.

    A text that holds a template, or a call, is no text of ours and fails here.
    """
    if isinstance(value, dict):
        return {meant(key) if key[0] == '"' else key: meant(one) for key, one in value.items() if key[:2] != "__"}
    if isinstance(value, list):
        return [meant(one) for one in value]
    if not isinstance(value, str):
        return value
    if value[0] != '"':
        assert re.fullmatch(r"\$\{aws_iam_role\.\w+\.name\}", value), value
        return value
    assert not re.search(r"(?<!\$)\$\{|(?<!%)%\{", value), value
    return json.loads(re.sub(r"([$%])\1\{", r"\1{", value))


def resources(text: str) -> list[tuple[str, str, Any]]:
    """Type, label and arguments of each resource, in order."""
    return [
        (kind, label, arguments)
        for one in meant(hcl2.loads(text)["resource"])
        for kind, labelled in one.items()
        for label, arguments in labelled.items()
    ]


@pytest.mark.parametrize("name", ["saml", "oidc", "hostile"])
def test_terraform_reads_the_plan(name: str) -> None:
    wanted = made(ACCOUNTS[name])
    text = terraform.configuration(wanted)
    assert meant(hcl2.loads(text)["provider"]) == [
        {"aws": {"region": wanted.region, "allowed_account_ids": [wanted.id]}}
    ]
    (provider, *found) = resources(text)
    tags = dict(wanted.tags)
    ours = wanted.provider
    expected: dict[str, Any] = (
        {"url": ours.url, "client_id_list": list(ours.client_ids)}
        if isinstance(ours, OidcProvider)
        else {"name": ours.name, "saml_metadata_document": ours.metadata}
    )
    assert provider[1:] == ("bridge", {**expected, "tags": tags})
    labels = {one["name"]: label for kind, label, one in found if kind == "aws_iam_role"}
    assert len(set(labels.values())) == len(wanted.roles)
    roles = {one["name"]: one for kind, _, one in found if kind == "aws_iam_role"}
    for role in wanted.roles:
        got = roles.pop(role.name)
        assert json.loads(got.pop("assume_role_policy")) == role.trust
        assert got == {
            "name": role.name,
            "path": role.path,
            "max_session_duration": role.max_session_seconds,
            "tags": tags,
        }
    assert not roles
    attached = [(one["role"], one["policy_arn"]) for kind, _, one in found if kind == "aws_iam_role_policy_attachment"]
    assert attached == [
        (f"${{aws_iam_role.{labels[role.name]}.name}}", arn) for role in wanted.roles for arn in role.policy_arns
    ]


def test_a_template_in_a_text_would_be_seen() -> None:
    with pytest.raises(AssertionError):
        resources('resource "aws_iam_role" "a" {\n  name = "${file("x")}"\n}\n')


REFERENCES = (
    "{{resolve:secretsmanager:prod/db:SecretString:password}}",
    "{{resolve:ssm-secure:/prod/key:1}}",
    "{{Resolve:ssm:/x}}",
    "a{{resolve:ssm:x",
)
"""CloudFormation puts what they name in their place, and whoever may list roles reads it in the role's path."""


def with_path(path: str) -> Account:
    text = f'version: 1\naccounts:\n- id: "{ACCOUNT}"\n  name: A\n  provider: arn:aws:iam::{ACCOUNT}:saml-provider/b\n'
    register = load_register(f"{text}  roles:\n  - {{name: Reader, path: {json.dumps(path)}}}\n")
    return register.accounts[ACCOUNT]


@pytest.mark.parametrize("form", ["cloudformation", "stack-set"])
@pytest.mark.parametrize("reference", REFERENCES)
def test_what_cloudformation_would_take_for_a_secret_of_the_account_is_refused(reference: str, form: str) -> None:
    """Whoever writes the register administers the bridge, and not the accounts."""
    account = with_path(f"/{reference}/")
    with pytest.raises(ConfigurationInvalid, match="would put a secret"):
        files_of([plan(account)], form)
    # The twins: other formats take it for the text that it is, and braces that are no reference are one here too.
    assert reference in files_of([plan(account)], "json")["accounts.json"]
    (text,) = [one for name, one in files_of([plan(with_path("/{{a}}/{resolve:x}/"))], form).items() if "json" in name]
    assert "/{{a}}/{resolve:x}/" in text


WORDS = "${x} %{x} $(id) `id` \"; id; {{resolve:ssm:x}} Fn::Sub <!-- \\ ' #"


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_what_people_call_an_account_stands_in_no_file_that_a_tool_reads(form: str) -> None:
    account = registered(name=WORDS, description=WORDS, aliases=(WORDS,), tags={"team": WORDS}, environment="prod")
    made_of_it = files_of([plan(account)], form)
    if form == "json":
        assert json.loads(made_of_it["accounts.json"])[0]["name"] == WORDS
        return
    assert made_of_it == files_of([plan(registered(name="plain"))], form)
