"""`aws check` without exports: real boto3 with an operator's credentials, against a local AWS."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from local_aws_factories import ServedAws, allow, metadata, policy, served, signer
from web_factories import ACCOUNT, write_files

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate import preparation
from federation_bridge.operate.commands import commands
from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.faults import Fault
from federation_bridge.sandbox.aws.state import AccountState
from federation_bridge.settings import load_settings

OTHER, FOREIGN = "222233334444", "333344445555"
PAGE = (Path(__file__).parents[2] / "docs" / "aws.md").read_text("utf-8")
FINE = "Everything is as the register needs it.\n"


def page_policy() -> Any:
    """The policy that the page gives to whoever reads."""
    found = re.search(r"need no more than this.*?```json\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return json.loads(found[1])


@dataclass
class Company:
    """Two onboarded accounts; the operator is a user of the first, and `security/BridgeAudit` reads the second."""

    served_aws: ServedAws
    settings: Path
    own: AccountState
    other: AccountState
    environment: Any

    def check(self, *words: str, registered: bool = True) -> Any:
        every = ["--all"] if registered else []
        return CliRunner().invoke(commands, ["aws", "check", "--settings", str(self.settings), *every, *words])

    def told(self, *words: str) -> list[tuple[str, str, str]]:
        ran = self.check("--json", *words)
        assert not ran.exception or isinstance(ran.exception, SystemExit), ran.exception
        return [(one["kind"], one["subject"], one["sentence"]) for one in json.loads(ran.stdout)]

    def sign_in(self, *statements: Any) -> None:
        """The operator's credentials, where boto3 finds them."""
        key = provisioning.put_user(
            self.served_aws.local.state, self.own, f"operator{len(self.own.users)}", {"own": policy(*statements)}
        )
        self.environment.setenv("AWS_ACCESS_KEY_ID", key.id)
        self.environment.setenv("AWS_SECRET_ACCESS_KEY", key.secret)


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    settings = write_files(tmp_path)
    register = (tmp_path / "accounts.yaml").read_text()
    second = yaml.safe_load(register.replace(ACCOUNT, OTHER).replace("Production", "Staging"))["accounts"]
    both = {"accounts": [*yaml.safe_load(register)["accounts"], *second]}
    (tmp_path / "accounts.yaml").write_text(yaml.safe_dump(both))
    with served() as served_aws:
        written = yaml.safe_load(settings.read_text())
        settings.write_text(yaml.safe_dump({**written, "aws": {"local_endpoint": served_aws.address}}))
        preparation.prepare(load_settings(settings))
        state = served_aws.local.state
        own, other = served_aws.local.account(ACCOUNT), served_aws.local.account(OTHER)
        for account in (own, other):
            account.roles.clear()
            account.saml_providers.clear()
            words = ["aws", "onboard", "--settings", str(settings), "--accounts", account.id]
            provisioning.apply_template(state, account, CliRunner().invoke(commands, words).stdout)
        trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}})
        provisioning.put_role(
            state, other, "BridgeAudit", trust, permissions={"read": page_policy()}, path="/security/"
        )  # fmt: skip
        made = Company(served_aws, settings, own, other, monkeypatch)
        made.sign_in(*page_policy()["Statement"], allow("sts:AssumeRole"))
        yield made


def test_the_page_s_policy_is_enough_to_read_all_accounts(company: Company) -> None:
    assert "\n$ federation-bridge aws check --role-name security/BridgeAudit\n" in PAGE
    ran = company.check("--role-name", "security/BridgeAudit")
    assert (ran.exit_code, ran.stdout) == (0, FINE)


def test_what_stands_elsewhere_is_told_of_its_account(company: Company) -> None:
    provisioning.put_role(company.served_aws.local.state, company.other, "Spare", company.served_aws.trust())
    del company.other.roles["Reader"]
    del company.own.saml_providers["bridge"]
    assert company.told("--role-name", "security/BridgeAudit") == [
        ("fails", ACCOUNT, f"there is no provider arn:aws:iam::{ACCOUNT}:saml-provider/bridge"),
        ("fails", f"{OTHER}/Reader", "there is no such role"),
    ]


def test_a_provider_with_the_metadata_of_another_fails_and_lets_others_in(company: Company) -> None:
    provisioning.change_saml_provider(company.served_aws.local.state, company.own, "bridge", metadata=metadata())
    found = company.told("--accounts", ACCOUNT)
    assert [kind for kind, _, _ in found] == ["fails", "fails", "wider"]
    assert "the provider's metadata is of 'https://bridge.example.test/saml/metadata'" in found[0][2]
    provisioning.change_saml_provider(company.served_aws.local.state, company.other, "bridge", encryption="Required",
                                      add_private_key=signer("decrypts").private_pem.decode())  # fmt: skip
    assert ("fails", OTHER) in {one[:2] for one in company.told("--role-name", "security/BridgeAudit")}


def test_a_provider_without_our_client_id_fails(company: Company) -> None:
    path = company.settings.parent / "accounts.yaml"
    path.write_text(path.read_text().replace("saml-provider/bridge", "oidc-provider/aws.example.com"))
    words = ["aws", "onboard", "--settings", str(company.settings), "--accounts", ACCOUNT]
    company.own.roles.clear()
    company.own.policies.clear()
    provisioning.apply_template(company.served_aws.local.state, company.own, CliRunner().invoke(commands, words).stdout)
    assert company.told("--accounts", ACCOUNT) == []
    name, provider = next(iter(company.own.oidc_providers.items()))
    company.own.oidc_providers[name] = replace(provider, client_ids=("other",))
    ((kind, subject, sentence),) = company.told("--accounts", ACCOUNT)
    assert (kind, subject) == ("fails", ACCOUNT)
    assert sentence == "the provider's client ids are 'other'; sts.amazonaws.com has to be among them"


def test_what_no_rule_grants_is_looked_at_only_when_asked(company: Company) -> None:
    del company.other.roles["Reader"]
    ran = company.check("--role-name", "security/BridgeAudit", registered=False)
    assert (ran.exit_code, ran.stdout) == (0, FINE)
    assert ran.stderr == f"note: no rule grants a role of {OTHER}, so it was not checked (--all checks it too)\n"
    assert company.check("--role-name", "security/BridgeAudit").exit_code == 1


def test_a_role_is_held_against_the_longest_session_that_a_rule_grants(company: Company) -> None:
    role = company.own.roles["Administrator"]
    for hours, status in ((2, 0), (1, 1)):
        company.own.roles["Administrator"] = replace(role, max_session=timedelta(hours=hours))
        ran = company.check("--accounts", ACCOUNT, registered=False)
        assert ran.exit_code == status, ran.stdout
    told = (
        f"fails   {ACCOUNT}/Administrator: MaxSessionDuration is 1h, and the rules grant 2h: longer grants are refused"
    )
    assert told in ran.stdout
    assert "and the register says 12h" in company.check("--accounts", ACCOUNT).stdout


def test_one_account_needs_no_role_and_another_says_so(company: Company) -> None:
    assert company.told("--accounts", ACCOUNT) == []
    ((kind, subject, sentence),) = company.told()
    assert (kind, subject) == ("unsure", OTHER)
    assert sentence == f"the credentials are of account {ACCOUNT}: name with --role-name a role that reads this one"


def test_a_role_that_cannot_be_assumed_leaves_the_other_accounts_checked(company: Company) -> None:
    del company.own.roles["Reader"]
    assert company.told("--role-name", "Nobody") == [
        ("fails", f"{ACCOUNT}/Reader", "there is no such role"),
        (
            "unsure",
            OTHER,
            f"arn:aws:iam::{OTHER}:role/Nobody cannot be assumed: it is not there, or one side does not allow it",
        ),
    ]


def test_what_may_not_be_read_is_unsure_and_not_missing(company: Company) -> None:
    own = f"arn:aws:iam::{ACCOUNT}:role"
    company.sign_in(allow("iam:GetRole", resource=f"{own}/Administrator"))
    assert company.told("--accounts", ACCOUNT) == [
        ("unsure", ACCOUNT, "the credentials may not call iam:GetSAMLProvider"),
        ("unsure", f"{ACCOUNT}/Reader", "the credentials may not call iam:GetRole"),
        ("unsure", ACCOUNT, "the credentials may not call iam:GetPolicy"),
        ("unsure", f"{ACCOUNT}/federation-bridge-revoker", "the credentials may not call iam:GetRole"),
    ]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("throttle", "iam"), "AWS has no time for iam:GetSAMLProvider (Throttling): run it again later"),
        (Fault("throttle", "iam", "GetRole"), "AWS has no time for iam:GetRole (Throttling): run it again later"),
        (Fault("throttle", "sts"), "AWS has no time for sts:GetCallerIdentity (Throttling): run it again later"),
        (Fault("outage", "iam"), "AWS has no time for iam:GetSAMLProvider (ServiceUnavailable): run it again later"),
        (Fault("clock-skew", seconds=901), "AWS does not take the credentials (SignatureDoesNotMatch): sign in anew"),
        (Fault("region-disabled", "iam"), "AWS refuses iam:GetSAMLProvider: 'RegionDisabledException'"),
    ],
    ids=range(6),
)
def test_an_aws_that_does_not_answer_is_told_once_and_in_words(
    company: Company, fault: Fault, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # botocore's pauses between its tries
    company.served_aws.local.faults.set(fault)
    assert company.told("--accounts", ACCOUNT) == [("unsure", ACCOUNT, told)]


def test_a_short_throttling_is_waited_out(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    company.served_aws.local.faults.set(Fault("throttle", "iam", times=4))
    assert company.told("--accounts", ACCOUNT) == []


def test_without_credentials_each_account_says_so(company: Company) -> None:
    company.environment.delenv("AWS_ACCESS_KEY_ID")
    company.environment.delenv("AWS_SECRET_ACCESS_KEY")
    found = company.told()
    assert {(kind, sentence.partition(":")[0]) for kind, _, sentence in found} == {
        ("unsure", "there are no AWS credentials")
    }
    assert len(found) == 2
    company.environment.setenv("AWS_PROFILE", "nobody")
    assert {sentence for _, _, sentence in company.told()} == {
        r"AWS could not be asked: 'The config profile (nobody) could not be found'"
    }


def test_credentials_of_another_partition_read_nothing(company: Company) -> None:
    path = company.settings.parent / "accounts.yaml"
    registered = yaml.safe_load(path.read_text())["accounts"]
    text = yaml.safe_dump(registered[0]).replace(ACCOUNT, FOREIGN).replace("arn:aws:", "arn:aws-cn:")
    foreign = {**yaml.safe_load(text), "region": "cn-north-1", "name": "China", "partition": "aws-cn"}
    path.write_text(yaml.safe_dump({"accounts": [*registered, foreign]}))
    assert company.told("--accounts", FOREIGN) == [
        ("unsure", FOREIGN, "the credentials are of the partition aws: run it again with some of aws-cn")
    ]


def test_credentials_that_another_partition_does_not_take_are_tried_in_their_own(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STS of China refuses who asks with credentials of `aws`: that says nothing about the accounts that come next."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    path = company.settings.parent / "accounts.yaml"
    registered = yaml.safe_load(path.read_text())["accounts"]
    text = yaml.safe_dump(registered[0]).replace(ACCOUNT, "000011112222").replace("arn:aws:", "arn:aws-cn:")
    foreign = {**yaml.safe_load(text), "region": "cn-north-1", "name": "China", "partition": "aws-cn"}
    path.write_text(yaml.safe_dump({"accounts": [*registered, foreign]}))
    company.served_aws.local.faults.set(Fault("throttle", "sts", times=5))
    assert company.told("--role-name", "security/BridgeAudit") == [
        ("unsure", "000011112222", "AWS has no time for sts:GetCallerIdentity (Throttling): run it again later")
    ]


def test_no_key_of_an_assumed_role_is_logged(company: Company, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    assert company.told("--role-name", "security/BridgeAudit") == []
    secrets = [one.secret for one in company.served_aws.local.state.access_keys.values()]
    assert not [one for one in secrets if one in caplog.text]
    assert "SecretAccessKey" not in caplog.text


@pytest.mark.parametrize("name", ["a b", "a/../$(id)", "x" * 65, "/".join(["x"] * 10)])
def test_a_name_that_no_role_can_have_is_refused(company: Company, name: str) -> None:
    assert isinstance(company.check("--role-name", name).exception, ConfigurationInvalid)


def test_exports_are_not_read_with_a_role(company: Company, tmp_path: Path) -> None:
    assert company.check("--role-name", "x", "--from", str(tmp_path)).exit_code == 2
