"""Three onboarded accounts at a local AWS, whose keys are to be published; import these where they are needed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from documents.blocks import blocks
from local_aws_factories import ServedAws, policy, served
from web_factories import ACCOUNT, door_of, write_files

from federation_bridge.app import create_app
from federation_bridge.operate import preparation
from federation_bridge.operate.commands import commands
from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.state import AccountState
from federation_bridge.settings import load_settings

OTHER, THIRD = "222233334444", "333344445555"
BLOCKS = blocks()
RIGHTS = json.loads(BLOCKS["docs/aws.md json 3"].text)["Statement"]
"""What the page gives to whoever brings the keys: on the provider of its example account alone."""
ROLE = "security/BridgeKeys"


def rights_in(account: str) -> list[Any]:
    """What the page gives, on the provider of this account."""
    return json.loads(json.dumps(RIGHTS).replace(ACCOUNT, account))


def run(settings: Path, *words: str) -> Any:
    """The command with these settings."""
    names = 2 if words[0] in ("aws", "keys", "issuer") else 1
    return CliRunner().invoke(commands, [*words[:names], "--settings", str(settings), *words[names:]])


@dataclass
class Company:
    """Three onboarded accounts: the operator is a user of the first, and the others have a role for them."""

    served_aws: ServedAws
    settings: Path
    environment: Any

    @property
    def accounts(self) -> list[AccountState]:
        return [self.served_aws.local.account(one) for one in (ACCOUNT, OTHER, THIRD)]

    def publish(self, *words: str) -> Any:
        return run(self.settings, "aws", "publish-keys", "--role-name", ROLE, *words)

    def told(self, *words: str) -> list[str]:
        ran = self.publish(*words)
        assert not ran.exception or isinstance(ran.exception, SystemExit), ran.exception
        return ran.stdout.splitlines()

    def documents(self) -> list[str]:
        """What AWS holds of us."""
        return [one.saml_providers["bridge"].metadata_text for one in self.accounts]

    def kids(self) -> list[str]:
        return [one["jwk"]["kid"] for one in json.loads(run(self.settings, "keys", "show").stdout)["aws-saml"]]

    def rotate(self) -> str:
        """A new key is published; gives its name."""
        before = set(self.kids())
        assert run(self.settings, "keys", "rotate", "aws-saml").exit_code == 0
        (new,) = set(self.kids()) - before
        return new

    def put(self, number: int, **changes: Any) -> None:
        provisioning.change_saml_provider(
            self.served_aws.local.state, self.accounts[number], "bridge", **changes
        )  # fmt: skip

    def put_role(self, account: AccountState, statements: list[Any]) -> None:
        """The role that the operator takes in this account, which may do this and no more."""
        account.roles.pop("BridgeKeys", None)
        trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}})
        allowed = {"keys": policy(*statements)}
        state = self.served_aws.local.state
        provisioning.put_role(state, account, "BridgeKeys", trust, permissions=allowed, path="/security/")

    def sign_in(self, *statements: Any) -> None:
        """The operator's credentials, where boto3 finds them."""
        account = self.accounts[0]
        name = f"operator{len(account.users)}"
        key = provisioning.put_user(self.served_aws.local.state, account, name, {"own": policy(*statements)})
        self.environment.setenv("AWS_ACCESS_KEY_ID", key.id)
        self.environment.setenv("AWS_SECRET_ACCESS_KEY", key.secret)

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """What the audit has of providers, the oldest first."""
        app = create_app(load_settings(self.settings))
        with closing(door_of(app).store) as store:
            found = [one for one in store.audit.entries() if one.event.startswith("provider.")]
        return [(one.event, dict(one.details)) for one in reversed(found)]


@pytest.fixture(scope="module")
def started_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings of three accounts, and a database with its first keys; each test takes a copy."""
    folder = tmp_path_factory.mktemp("started")
    settings = write_files(folder)
    (one,) = yaml.safe_load((folder / "accounts.yaml").read_text())["accounts"]
    every = [yaml.safe_load(yaml.safe_dump(one).replace(ACCOUNT, account)) for account in (ACCOUNT, OTHER, THIRD)]
    named = [{**each, "name": f"{each['name']} {each['id']}"} for each in every]
    (folder / "accounts.yaml").write_text(yaml.safe_dump({"accounts": named}))
    preparation.prepare(load_settings(settings))
    return folder


@pytest.fixture
def company(started_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    """The accounts as `aws onboard` makes them, and an operator with the page's rights."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    folder = tmp_path / "etc"
    shutil.copytree(started_once, folder)
    settings = folder / "federation-bridge.yaml"
    with served() as served_aws:
        written = yaml.safe_load(settings.read_text())
        settings.write_text(yaml.safe_dump({**written, "aws": {"local_endpoint": served_aws.address}}))
        made = Company(served_aws, settings, monkeypatch)
        state = served_aws.local.state
        for account in made.accounts:
            account.roles.clear()
            account.saml_providers.clear()
            template = run(settings, "aws", "onboard", "--accounts", account.id).stdout
            provisioning.apply_template(state, account, template)
            made.put_role(account, rights_in(account.id))
        made.sign_in(*rights_in(ACCOUNT), {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
        yield made
