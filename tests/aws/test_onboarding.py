# ruff: noqa: F811 - fixtures are named where they are asked for
"""What `aws onboard` writes: taken by a local AWS that refuses what AWS refuses, and the same in every format."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cli import AwsCli, aws_program
from aws_factories import ENTITY_ID, ISSUER, grant, signing_key
from local_aws_factories import ACCOUNT, ServedAws
from local_aws_fixtures import served_aws  # noqa: F401 - a fixture
from onboarding_factories import READ_ONLY, ROLES, hostile, plan, registered

from federation_bridge.aws import assertion
from federation_bridge.aws.onboarding import AccountPlan, Additions, cloudformation, files_of, planned, shell
from federation_bridge.aws.onboarding.plan import warnings
from federation_bridge.aws.sts import StsClients
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import Role
from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.settings import Aws, Outgoing


def apply(served_aws: ServedAws, text: str) -> dict[str, str]:
    return provisioning.apply_template(served_aws.local.state, served_aws.account, text)


def real(served_aws: ServedAws) -> dict[str, Any]:
    """What stands in the account under the planned names."""
    root = provisioning.put_access_key(served_aws.local.state, served_aws.account)
    iam = served_aws.client("iam", {"AccessKeyId": root.id, "SecretAccessKey": root.secret})
    kept = ("RoleName", "Path", "MaxSessionDuration", "AssumeRolePolicyDocument", "Tags")
    found = {}
    for name in sorted({one["RoleName"] for one in iam.list_roles()["Roles"]} & set(ROLES)):
        role = iam.get_role(RoleName=name)["Role"]
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        found[name] = {key: role.get(key) for key in kept} | {"policies": [one["PolicyArn"] for one in attached]}
    return found


def wanted(made: AccountPlan) -> dict[str, Any]:
    return {
        role.name: {
            "RoleName": role.name,
            "Path": role.path,
            "MaxSessionDuration": role.max_session_seconds,
            "AssumeRolePolicyDocument": role.trust,
            "Tags": [{"Key": key, "Value": value} for key, value in made.tags.items()],
            "policies": list(role.policy_arns),
        }
        for role in made.roles
    }


@pytest.mark.parametrize("for_any_account", [False, True], ids=["account", "stack-set"])
@pytest.mark.parametrize("road", ["saml", "oidc"])
def test_an_account_that_applied_the_template_has_what_was_planned(
    served_aws: ServedAws, road: str, for_any_account: bool
) -> None:
    roles = ROLES if road == "saml" else {**ROLES, "Admin": replace(ROLES["Admin"], web_identity_file=True)}
    made = plan(registered(road, roles=roles), tags={"Team": "cloud"}, policies=READ_ONLY)
    (text,) = cloudformation.templates(made, for_any_account=for_any_account)
    assert (ACCOUNT in text) is not for_any_account or road == "saml"
    arns = apply(served_aws, text)
    assert arns["BridgeProvider"] == made.provider.arn
    assert real(served_aws) == wanted(made)


def test_a_person_gets_credentials_in_an_account_that_applied_the_template(served_aws: ServedAws) -> None:
    account = registered()
    asked = grant(account=account, id="_onboarded")
    signed = assertion.build(asked, key=signing_key(), issuer_entity_id=ENTITY_ID, now=served_aws.clock())
    sts = StsClients(Aws(local_endpoint=served_aws.address), Outgoing(), sleep=lambda _: None, clock=served_aws.clock)
    asked = replace(asked, decided_at=served_aws.clock())
    with pytest.raises(Exception, match=r"(?i)not|denied|invalid"):
        sts.redeem(asked, signed)
    apply(served_aws, cloudformation.templates(plan(account))[0])
    signed = assertion.build(
        replace(asked, id="_again"), key=signing_key(), issuer_entity_id=ENTITY_ID, now=served_aws.clock()
    )  # fmt: skip
    got = sts.redeem(replace(asked, id="_again"), signed).credentials
    assert got.assumed_role_arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/alice@example.com"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t: t["Resources"]["BridgeProvider"]["Properties"].update(SamlMetadataDocument="<x/>" + " " * 1000),
        lambda t: t["Resources"]["BridgeProvider"]["Properties"].update(Mode="x"),
        lambda t: t["Resources"]["BridgeProvider"].update(Type="AWS::IAM::Usr"),
        lambda t: t["Resources"].pop("BridgeProvider"),
        lambda t: t["Resources"].update({"a-b": t["Resources"]["BridgeProvider"]}),
        lambda t: t["Resources"]["Last"]["Properties"].update(MaxSessionDuration=99),
        lambda t: t["Resources"]["Last"]["Properties"].update(Path="no"),
        lambda t: t["Resources"]["Last"]["Properties"].update(ManagedPolicyArns=["arn:aws:iam::aws:policy/None"]),
        lambda t: t["Resources"]["Last"]["Properties"]["AssumeRolePolicyDocument"].update(Statement=[{"Effect": "x"}]),
        lambda t: t.update(Resources={}),
        lambda t: t.update(Transform="x"),
        lambda t: t.update(Description="x" * 60_000),
    ],
    ids=range(12),
)
def test_a_template_that_aws_would_refuse_makes_nothing(served_aws: ServedAws, spoil: Any) -> None:
    template = json.loads(cloudformation.templates(plan(registered()))[0])
    template["Resources"]["Last"] = template["Resources"].pop(list(template["Resources"])[-1])
    before = (set(served_aws.account.roles), set(served_aws.account.saml_providers))
    spoil(template)
    with pytest.raises(Refused):
        apply(served_aws, json.dumps(template))
    assert (set(served_aws.account.roles), set(served_aws.account.saml_providers)) == before


def test_240_roles_in_40_accounts_are_one_stack_set(served_aws: ServedAws) -> None:
    roles = {f"Role{n}": Role(f"Role{n}") for n in range(6)}
    plans = [plan(registered(number=f"{n:012}", roles=roles)) for n in range(1, 41)]
    files = files_of(plans, "stack-set")
    assert sorted(files) == ["stack-set-1.accounts", "stack-set-1.json"]
    assert len(files["stack-set-1.accounts"].split()) == 40
    assert len(files_of(plans, "cloudformation")) == 40
    assert sum(len(json.loads(one)["Resources"]) - 1 for one in files_of(plans, "cloudformation").values()) == 240
    assert len(apply(served_aws, files["stack-set-1.json"])) == 7


def test_partitions_are_not_mixed_in_a_stack_set() -> None:
    partitions = ("aws", "aws-cn", "aws-us-gov", "aws-eusc")
    files = files_of(
        [plan(registered(partition=one, number=f"{n:012}")) for n, one in enumerate(partitions)], "stack-set"
    )
    assert len(files) == 8  # each has a sign-in endpoint of its own


def test_an_account_with_many_roles_gets_templates_that_aws_takes_inline(served_aws: ServedAws) -> None:
    roles = {f"Role{n:03}": Role(f"Role{n:03}") for n in range(200)}
    texts = cloudformation.templates(plan(registered(roles=roles)))
    assert len(texts) > 1
    assert all(len(one.encode()) <= 51_200 for one in texts)
    assert sum(len(apply(served_aws, one)) for one in texts) == 201


def test_a_role_without_permissions_is_told() -> None:
    assert warnings(plan(registered(), policies=READ_ONLY)) == (
        f"{ACCOUNT}/Admin: no permissions policy; it may do nothing",
    )


def test_a_trust_policy_above_the_quota_is_told_and_above_its_end_refused() -> None:
    def ours(length: int) -> AccountPlan:
        return planned(registered(), entity_id="https://b.example/" + "x" * length, issuer=ISSUER, metadata="",
                       additions=Additions(policies={"Admin": ("a",), "Audit": ("a",)}))  # fmt: skip

    assert not warnings(ours(100))
    assert "raise the account's quota" in warnings(ours(2_000))[0]
    with pytest.raises(ConfigurationInvalid, match="4096"):
        ours(4_000)


@pytest.mark.parametrize("form", ["cloudformation", "stack-set", "terraform", "cli", "json"])
def test_the_same_register_gives_the_same_bytes(form: str) -> None:
    shuffled = registered(roles=dict(reversed(ROLES.items())))
    assert files_of([plan(registered())], form) == files_of([plan(shuffled)], form)


# ------------------------------------------------------------------------------------------------ other formats


def terraform_values(text: str, name: str) -> list[str]:
    """What Terraform reads for this argument: quoted text with `$${` and `%%{` for themselves."""
    found = re.findall(rf'^  {name} = ("(?:[^"\\]|\\.)*")$', text, re.MULTILINE)
    return [json.loads(re.sub(r"([$%])\1\{", r"\1{", one)) for one in found]


def test_terraform_means_what_the_template_means() -> None:
    made = plan(hostile())
    (text,) = files_of([made], "terraform").values()
    assert terraform_values(text, "name") == ["Ours", *(role.name for role in made.roles)]
    assert terraform_values(text, "path") == [role.path for role in made.roles]
    trust = [json.loads(one) for one in terraform_values(text, "assume_role_policy")]
    assert trust == [role.trust for role in made.roles]
    assert not re.search(r"(?<![$])(?:[$]{2})*[$]\{|(?<!%)(?:%%)*%\{", re.sub(r"[$]{2}\{|%%\{", "", text))


def test_the_script_s_words_come_out_of_a_shell_as_they_went_in(tmp_path: Path) -> None:
    made = plan(hostile(), tags={"Team": "a b"})
    fake = tmp_path / "aws"
    fake.write_text(
        '#!/bin/sh\n[ "$1" = sts ] && { echo ' + ACCOUNT + '; exit; }\nfor w; do printf "%s\\0" "$w"; done >>said\n'
    )
    fake.chmod(0o755)
    ran = subprocess.run(
        ["/bin/sh", "-c", shell.script(made)], cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False
    )  # fmt: skip
    assert ran.returncode == 0
    said = (tmp_path / "said").read_text().split("\0")[:-1]
    assert said == [word for words in shell.commands(made) for word in words[1:]]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["aws", "said"]


def test_a_script_stops_before_the_first_command_in_another_account(tmp_path: Path) -> None:
    fake = tmp_path / "aws"
    fake.write_text('#!/bin/sh\n[ "$1" = sts ] && { echo 999999999999; exit; }\necho made >>said\n')
    fake.chmod(0o755)
    ran = subprocess.run(
        ["/bin/sh", "-c", shell.script(plan(registered()))], cwd=tmp_path, capture_output=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert not (tmp_path / "said").exists()


@pytest.mark.parametrize("road", ["saml", "oidc"])
def test_the_real_aws_cli_makes_the_account_of_the_plan(served_aws: ServedAws, tmp_path: Path, road: str) -> None:
    made = plan(registered(road), tags={"Team": "cloud"}, policies=READ_ONLY)
    root = provisioning.put_access_key(served_aws.local.state, served_aws.account)
    aws = AwsCli(aws_program(), tmp_path, served_aws.address, {"AccessKeyId": root.id, "SecretAccessKey": root.secret})
    for words in shell.commands(made):
        ran = aws(*shlex.split(shlex.join(words))[1:])
        assert ran.status == 0, ran.err
    assert real(served_aws) == wanted(made)
