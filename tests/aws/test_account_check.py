"""`aws check`: trust policies as they are found in accounts, and what is said of each."""

# ruff: noqa: E501 - the rows of a table stay on one line

from __future__ import annotations

import copy
import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aws_cli import AwsCli, aws_program
from aws_factories import ENTITY_ID, ISSUER
from click.testing import CliRunner
from local_aws_factories import ACCOUNT, served
from web_factories import ACCOUNT as REGISTERED
from web_factories import write_files

from federation_bridge.aws.account_check import RealAccount, RealRole, differences
from federation_bridge.aws.onboarding import AccountPlan, Additions, planned
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.model import Account, Role
from federation_bridge.operate import preparation
from federation_bridge.operate.commands import commands
from federation_bridge.sandbox.aws import provisioning
from federation_bridge.settings import load_settings

Change = Callable[[dict[str, Any]], object]
OTHER = f"arn:aws:iam::{ACCOUNT}:saml-provider/Old"


def plan(road: str) -> AccountPlan:
    name = "saml-provider/Ours" if road == "saml" else "oidc-provider/bridge.example.com"
    role = Role("Admin", max_session=timedelta(hours=4), web_identity_file=road == "pinned")
    account = Account(ACCOUNT, "Production", "aws", f"arn:aws:iam::{ACCOUNT}:{name}", "us-east-1", {"Admin": role})
    return planned(account, entity_id=ENTITY_ID, issuer=ISSUER, metadata="", additions=Additions())


def condition(**keys: Any) -> Change:
    return lambda one: one["Condition"]["StringEquals"].update({key.replace("_", ":", 1): v for key, v in keys.items()})


def without(key: str, operator: str = "StringEquals") -> Change:
    return lambda one: one["Condition"][operator].pop(key)


def actions(*names: str) -> Change:
    return lambda one: one.update(Action=list(names))


def principal(value: Any) -> Change:
    return lambda one: one.update(Principal=value)


def moved(old: str, new: str) -> Change:
    return lambda one: one["Condition"].update({new: one["Condition"].pop(old)})


def sub(value: Any, operator: str = "StringLike") -> Change:
    def change(one: dict[str, Any]) -> None:
        one["Condition"].pop("StringLike")
        one["Condition"].setdefault(operator, {})["bridge.example.com:sub"] = value

    return change


def lower(one: dict[str, Any]) -> None:
    one["Condition"]["StringEquals"] = {key.upper(): v for key, v in one["Condition"]["StringEquals"].items()}


SAML, TAG, SOURCE = "sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"
WEB = "sts:AssumeRoleWithWebIdentity"
OURS = f"arn:aws:iam::{ACCOUNT}:saml-provider/Ours"
AUD, ISS, SUB_TYPE = "saml:aud", "saml:iss", "saml:sub_type"
SUB, OIDC_AUD = "bridge.example.com:sub", "bridge.example.com:aud"
ROWS: list[tuple[str, Change, set[str], str]] = [
    ("saml", lambda _: None, set(), ""),
    ("saml", lower, set(), ""),
    ("saml", actions(SAML.upper(), TAG, SOURCE), set(), ""),
    ("saml", condition(saml_aud=["https://signin.aws.amazon.com/saml"]), set(), ""),
    ("saml", condition(saml_aud=["https://signin.aws.amazon.com/saml", "https://x.example/saml"]), {"wider"}, "x.example"),
    ("saml", without(AUD), {"wider"}, "saml:aud is missing"),
    ("saml", without(ISS), {"wider"}, "saml:iss is missing"),
    ("saml", without(SUB_TYPE), {"wider"}, "saml:sub_type is missing"),
    ("saml", lambda one: one.pop("Condition"), {"wider"}, "is missing"),
    ("saml", moved("StringEquals", "StringEqualsIfExists"), {"wider"}, "is missing"),
    ("saml", moved("StringEquals", "StringLike"), set(), ""),
    ("saml", condition(saml_iss="https://old.example"), {"fails", "wider"}, "wants https://old.example"),
    ("saml", condition(saml_aud="https://eu-central-1.signin.aws.amazon.com/saml"), {"fails", "wider"}, "saml:aud is"),
    ("saml", condition(saml_sub_type="transient"), {"fails", "wider"}, "wants transient"),
    ("saml", lambda one: one["Condition"].update(StringLike={"saml:iss": "*"}), set(), ""),
    ("saml", lambda one: one.update(Condition={"StringLike": {AUD: "*", ISS: "*", SUB_TYPE: "*"}}), {"wider"}, "lets in *"),
    ("saml", lambda one: one["Condition"].update(IpAddress={"aws:SourceIp": "10.0.0.0/8"}), {"unsure"}, "aws:sourceip"),
    ("saml", lambda one: one["Condition"].update(Bool={"aws:MultiFactorAuthPresent": "true"}), {"unsure"}, "multifactor"),
    ("saml", lambda one: one["Condition"].update(StringNotEquals={"saml:namequalifier": "x"}), {"unsure"}, "namequalifier"),
    ("saml", actions(SAML, SOURCE), {"fails"}, "does not allow sts:TagSession"),
    ("saml", actions(SAML, TAG), {"fails"}, "does not allow sts:SetSourceIdentity"),
    ("saml", actions(SAML), {"fails"}, "does not allow"),
    ("saml", actions(WEB, TAG, SOURCE), {"fails"}, "does not allow sts:AssumeRoleWithSAML"),
    ("saml", actions("sts:*"), {"wider"}, "name the actions"),
    ("saml", actions("*"), {"wider"}, "name the actions"),
    ("saml", principal({"Federated": OTHER}), {"fails", "wider"}, "does not trust"),
    ("saml", principal({"Federated": [OURS, OTHER]}), {"wider"}, "trusts others too"),
    ("saml", principal({"Federated": OURS, "AWS": f"arn:aws:iam::{ACCOUNT}:root"}), {"wider"}, ":root"),
    ("saml", principal("*"), {"fails", "wider"}, "trusts others too: *"),
    ("saml", principal({"AWS": "*"}), {"fails", "wider"}, "does not trust"),
    ("saml", principal({"Service": "ec2.amazonaws.com"}), {"fails", "wider"}, "ec2"),
    ("saml", lambda one: one.update(Effect="Deny"), {"fails", "unsure"}, "Deny"),
    ("saml", lambda one: one.update(NotPrincipal=one.pop("Principal")), {"fails", "unsure"}, "NotPrincipal"),
    ("saml", lambda one: one.update(Condition="x"), {"fails", "unsure"}, "not written as IAM"),
    ("oidc", lambda _: None, set(), ""),
    ("oidc", without(OIDC_AUD), {"wider"}, "aud is missing"),
    ("oidc", without(SUB, "StringLike"), {"wider"}, "sub is missing"),
    ("oidc", sub("*"), {"wider"}, "lets in *"),
    ("oidc", sub(f"{ACCOUNT}/*"), {"wider"}, f"lets in {ACCOUNT}/*"),
    ("oidc", sub(f"{ACCOUNT}/Admin*"), {"wider"}, "lets in"),
    ("oidc", sub(f"{ACCOUNT}/Audit/*"), {"fails", "wider"}, "sub is"),
    ("oidc", sub(f"{ACCOUNT}/Admin/*", "StringEquals"), set(), ""),
    ("oidc", sub(f"{ACCOUNT}/Admin/alice"), {"fails"}, "wants"),
    ("oidc", lambda one: one["Condition"]["StringEquals"].update({OIDC_AUD: "other"}), {"fails", "wider"}, "wants other"),
    ("pinned", lambda _: None, set(), ""),
    ("pinned", lambda one: one["Condition"].update(StringEquals={OIDC_AUD: "sts.amazonaws.com"},
                                                   StringLike={SUB: f"{ACCOUNT}/Admin/*"}), {"wider"}, "RoleSessionName"),
]  # fmt: skip


@pytest.mark.parametrize(("road", "change", "kinds", "told"), ROWS, ids=range(len(ROWS)))
def test_what_is_said_of_a_trust_policy(road: str, change: Change, kinds: set[str], told: str) -> None:
    made = plan(road)
    trust = copy.deepcopy(made.roles[0].trust)
    change(trust["Statement"][0])
    real = RealAccount({"Admin": RealRole("/", trust, 14_400)}, frozenset({made.provider.arn}))
    found = differences(made, real)
    assert {one.kind for one in found} == kinds, found
    assert told in " / ".join(one.sentence for one in found)
    assert all(one.trust == made.roles[0].trust for one in found)


def real(**changes: Any) -> RealAccount:
    made = plan("saml")
    role = replace(RealRole("/", made.roles[0].trust, 14_400), **changes)
    return RealAccount({"Admin": role}, frozenset({made.provider.arn}))


@pytest.mark.parametrize(
    ("account", "kind", "told"),
    [
        (real(max_session_seconds=3_600), "fails", "MaxSessionDuration is 1h, and the register says 4h"),
        (real(max_session_seconds=None), "unsure", "list-roles"),
        (real(path="/old/"), "fails", "its path is /old/"),
        (replace(real(), roles={}), "fails", "no such role"),
        (replace(real(), providers=frozenset()), "fails", "there is no provider"),
    ],
    ids=range(5),
)
def test_what_is_said_of_roles_and_providers(account: RealAccount, kind: str, told: str) -> None:
    (found,) = differences(plan("saml"), account)
    assert (found.kind, told in found.sentence) == (kind, True)
    assert not differences(plan("saml"), real(max_session_seconds=43_200))


# ------------------------------------------------------------------------------------------------------ the command


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return write_files(tmp_path)


def export(settings: Path, *, quoted: bool = False, spoil: Change = lambda _: None) -> Path:
    """What `aws iam` prints for the account of the tests, in a folder."""
    folder = settings.parent / "export"
    folder.mkdir()
    details, roles = [], []
    for name in ("Administrator", "Reader"):
        ran = CliRunner().invoke(commands, ["trust-policy", "--settings", str(settings), REGISTERED, name])
        trust = json.loads(ran.stdout)
        spoil(trust["Statement"][0])
        role = {"Path": "/", "RoleName": name, "Arn": f"arn:aws:iam::{REGISTERED}:role/{name}",
                "AssumeRolePolicyDocument": quote(json.dumps(trust)) if quoted else trust}  # fmt: skip
        details.append(role)
        roles.append({**role, "MaxSessionDuration": 43_200})
    providers = [{"Arn": f"arn:aws:iam::{REGISTERED}:saml-provider/bridge"}]
    (folder / "b.json").write_text(json.dumps({"RoleDetailList": details}))
    (folder / "a.json").write_text(json.dumps({"Roles": roles}))
    (folder / "c.json").write_text(json.dumps({"SAMLProviderList": providers}))
    return folder


def run(settings: Path, folder: Path, *words: str) -> Any:
    return CliRunner().invoke(commands, ["aws", "check", "--settings", str(settings), "--from", str(folder), *words])


@pytest.mark.parametrize("quoted", [False, True])
def test_an_account_that_is_as_it_should_be_passes(settings: Path, quoted: bool) -> None:
    ran = run(settings, export(settings, quoted=quoted))
    assert (ran.exit_code, ran.stdout) == (0, "Everything is as the register needs it.\n")


def test_a_pipeline_stops_at_what_is_too_wide(settings: Path) -> None:
    folder = export(settings, spoil=without("saml:aud"))
    ran = run(settings, folder)
    assert ran.exit_code == 1
    assert f"wider   {REGISTERED}/Reader: the condition saml:aud is missing" in ran.stdout
    assert '"saml:aud": "https://signin.aws.amazon.com/saml"' in ran.stdout
    told = json.loads(run(settings, folder, "--json").stdout)
    assert {one["kind"] for one in told} == {"wider"}


NO_EXPORTS = (
    "",
    "[]",
    "{",
    '{"Roles": [{}]}',
    '{"Roles": 1}',
    '{"Roles": [{"RoleName": "x", "Arn": "x", "Path": "/", "AssumeRolePolicyDocument": "%"}]}',
)


def test_what_others_wrote_into_an_account_does_not_steer_the_terminal(settings: Path) -> None:
    folder = export(settings, spoil=condition(saml_aud=["https://signin.aws.amazon.com/saml", "\x9b2J\x1b[2J"]))
    ran = run(settings, folder)
    assert "lets in ?2J?[2J; it has to be" in ran.stdout
    assert not {"\x9b", "\x1b"} & set(ran.stdout)


@pytest.mark.parametrize("text", NO_EXPORTS, ids=range(6))
def test_a_file_that_is_no_export_is_refused(settings: Path, text: str) -> None:
    folder = export(settings)
    (folder / "d.json").write_text(text)
    assert isinstance(run(settings, folder).exception, ConfigurationInvalid)


def test_an_empty_folder_is_refused_and_an_account_without_an_export_is_told(settings: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    assert isinstance(run(settings, tmp_path / "none").exception, ConfigurationInvalid)
    (tmp_path / "none" / "x.json").write_text(json.dumps({"Roles": []}))
    ran = run(settings, tmp_path / "none")
    assert (ran.exit_code, "no export of this account" in ran.stdout) == (1, True)


def test_the_page_s_commands_export_an_onboarded_account_that_passes(settings: Path, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "aws.md").read_text("utf-8")
    exporting = re.findall(r"^\$ (aws iam list.*)$", page, re.MULTILINE)
    preparation.prepare(load_settings(settings))
    template = CliRunner().invoke(commands, ["aws", "onboard", "--settings", str(settings)]).stdout
    (tmp_path / "export").mkdir()
    with served() as place:
        place.account.roles.clear()
        place.account.saml_providers.clear()
        provisioning.apply_template(place.local.state, place.account, template)
        root = provisioning.put_access_key(place.local.state, place.account)
        keys = {"AccessKeyId": root.id, "SecretAccessKey": root.secret}
        aws = AwsCli(aws_program(), tmp_path, place.address, keys)
        for line in exporting:
            words, _, file = line.partition(" > ")
            (tmp_path / file).write_text(json.dumps(aws(*shlex.split(words)[1:]).json))
    assert "\n$ federation-bridge aws check --from export\n" in page
    assert exporting
    ran = run(settings, tmp_path / "export")
    assert (ran.exit_code, ran.stdout) == (0, "Everything is as the register needs it.\n")
