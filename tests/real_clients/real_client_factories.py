"""A person's fresh home, as stock AWS clients find it, and their browser beside it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from absent_software import folder, program
from aws_cli import preloaded
from begun_programs import begin, run
from documents.blocks import blocks
from forged_rows import changed_by_us
from preloaded import of_python
from preloaded_server import NOBODYS_HOME

from federation_bridge.sandbox.aws_cli import AwsCli
from federation_bridge.sandbox.company import Company
from federation_bridge.sandbox.company_files import PRODUCTION
from federation_bridge.sandbox.scripted_user import ScriptedUser
from federation_bridge.signing import derived_key, read_or_make_sealing_key
from federation_bridge.store import open_store
from federation_bridge.store.tables import AUTHORIZATION_CODES, DEVICE_CODES
from real_clients.tls_front import Front

ROLE = f"{PRODUCTION}/Developer"
ME = f"arn:aws:sts::{PRODUCTION}:assumed-role/Developer/ada"
WITHIN = 60
WITHOUT_NAMED_ROLES = ("aws#{account}#{role}", "nobody#{account}#{role}")
"""What `rules_with` takes so that groups stand for no role; who is in other groups keeps other roles."""
NODE = Path(__file__).parent / "node"
_REMEDY = "apt-get install nodejs npm, then `make test` fetches it"
BOTO3 = ("-s", "-P", str(Path(__file__).parent / "boto3_whoami.py"))
PRELOADED_BOTO3 = of_python(
    "boto3.session",
    "botocore.client",
    "encodings.idna",
    begins=[BOTO3],
    options=("-s", "-P"),
    environ={"HOME": NOBODYS_HOME},
)


def shown_config(number: int, bridge: str, start: str = "") -> str:
    """A block of `docs/aws-clients.md`, with the addresses of a bridge on this machine."""
    shown = blocks()[f"docs/aws-clients.md ini {number}"].text.replace("eu-central-1", "us-east-1")
    return shown.replace("https://aws.example.com/start", start).replace("https://aws.example.com", bridge)


def begun_cli(cli: AwsCli, home: Path, *arguments: str, more: Mapping[str, str]) -> subprocess.Popen[str]:
    """A running command, as `AwsCli.start` starts it, but forked where it can be."""
    return begin(
        [*cli.command, *arguments],
        programs=[preloaded(cli)],
        env=cli.environment(home, more),
        cwd=home,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@dataclass
class Home:
    """A fresh home of one person, and what stock clients find there."""

    folder: Path
    company: Company
    front: Front
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / ".aws").mkdir(parents=True)
        self.environment |= {
            "AWS_CA_BUNDLE": str(self.front.authority),
            "AWS_ENDPOINT_URL_STS": self.company.addresses.aws,
        }

    @property
    def config(self) -> Path:
        return self.folder / ".aws" / "config"

    def write_sso_config(self, role: str = ROLE) -> None:
        """What `docs/aws-clients.md` shows, for this bridge and role."""
        account, _, name = role.partition("/")
        bridge = self.company.bridge
        shown = shown_config(1, bridge, start=f"{self.front.address}/start")
        shown = re.sub("sso_account_id = .*", f"sso_account_id = {account}", shown)
        shown = re.sub("sso_role_name = .*", f"sso_role_name = {name}", shown)
        self.config.write_text(f"{shown}signin =\n  endpoint_url = {bridge}\n")

    def cached_token(self) -> Path:
        """The one file in the SSO cache that holds a token."""
        found = [
            path
            for path in (self.folder / ".aws" / "sso" / "cache").glob("*.json")
            if "accessToken" in json.loads(path.read_text())
        ]
        assert len(found) == 1, found
        return found[0]

    def forget_role_credentials(self) -> None:
        for path in (self.folder / ".aws" / "cli" / "cache").glob("*.json"):
            path.unlink()

    def run(self, cli: AwsCli, *arguments: str, more: Mapping[str, str] | None = None, typed: str = "") -> str:
        """What a command says that ends well."""
        status, said = self.attempt(cli, *arguments, more=more, typed=typed)
        assert status == 0, said
        return said

    def attempt(
        self, cli: AwsCli, *arguments: str, more: Mapping[str, str] | None = None, typed: str = ""
    ) -> tuple[int, str]:
        """Exit status and words of a command."""
        process = self.start(cli, *arguments, more=more)
        try:
            said, _ = process.communicate(typed, timeout=WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            pytest.fail(f"{arguments} did not end: {said}")
        return process.returncode, said

    def start(self, cli: AwsCli, *arguments: str, more: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        return begun_cli(cli, self.folder, *arguments, more={**self.environment, **(more or {})})

    def whoami(self, cli: AwsCli, *arguments: str, more: Mapping[str, str] | None = None) -> str:
        said = self.run(cli, "sts", "get-caller-identity", "--output", "json", *arguments, more=more)
        identity: dict[str, Any] = json.loads(said)
        return str(identity["Arn"])

    def boto3(self, **more: str) -> subprocess.CompletedProcess[str]:
        """sts:GetCallerIdentity by a boto3 that finds nothing but this home and `more`."""
        environment = {"HOME": str(self.folder), "PATH": "/usr/bin:/bin", "AWS_EC2_METADATA_DISABLED": "true"}
        environment |= {"AWS_DEFAULT_REGION": "us-east-1", **self.environment, **more}
        # Not -I: boto3 finds the library that `aws login` needs, or not, by PYTHONPATH.
        command = [sys.executable, *BOTO3]
        return run(command, programs=[PRELOADED_BOTO3], env=environment, capture_output=True, text=True, timeout=WITHIN)

    def boto3_whoami(self, **more: str) -> str:
        """The ARN that boto3 acts as."""
        done = self.boto3(**more)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def javascript(self, provider: str, profile: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        """What a provider of the SDK for JavaScript finds under Node: its access key, as JSON."""
        node = program("node", _REMEDY)
        folder(NODE / "node_modules", _REMEDY)
        environment = {"HOME": str(self.folder), "PATH": "/usr/bin:/bin", "AWS_EC2_METADATA_DISABLED": "true"}
        environment |= {"AWS_REGION": "us-east-1", **self.environment, **more}
        command = [node, str(NODE / "credentials.js"), provider, *([profile] if profile else [])]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=WITHIN, check=False)

    def javascript_whoami(self, provider: str, profile: str = "", **more: str) -> str:
        """The ARN for which the access key stands that a provider finds, as the local AWS knows."""
        done = self.javascript(provider, profile, **more)
        assert done.returncode == 0, done.stderr
        return str(self.company.local.state.sessions[json.loads(done.stdout)["accessKeyId"]].arn)


@dataclass(frozen=True)
class Clients:
    """All stock clients that run here."""

    cli: AwsCli
    cli_v1: AwsCli

    def whoami(self, home: Home, **variables: str) -> dict[str, str]:
        """The ARN as which each of them acts in this environment."""
        return {name: ask(home, variables) for name, ask in self.asked.items()}

    def refusals(
        self, home: Home, provider: str = "fromNodeProviderChain", **variables: str
    ) -> dict[str, tuple[int, str]]:
        """The exit status and the words of each of them. `provider`: whom to ask under Node."""
        caller = ("sts", "get-caller-identity", "--region", "us-east-1")
        boto3, javascript = home.boto3(**variables), home.javascript(provider, **variables)
        return {
            "AWS CLI 2": home.attempt(self.cli, *caller, more=variables),
            "AWS CLI 1": home.attempt(self.cli_v1, *caller, more=variables),
            "boto3": (boto3.returncode, boto3.stderr),
            "JavaScript": (javascript.returncode, javascript.stderr),
        }

    @property
    def asked(self) -> dict[str, Callable[[Home, Mapping[str, str]], str]]:
        """A way to ask each of them whom it acts as, by its name."""
        return {
            "AWS CLI 2": lambda home, more: home.whoami(self.cli, "--region", "us-east-1", more=more),
            "AWS CLI 1": lambda home, more: home.whoami(self.cli_v1, "--region", "us-east-1", more=more),
            "boto3": lambda home, more: home.boto3_whoami(**more),
            "JavaScript": lambda home, more: home.javascript_whoami("fromNodeProviderChain", **more),
        }


def approve(scripted_user: ScriptedUser, user_code: str, decision: str = "allow") -> str:
    """What the browser says after its person typed the code and pressed a button."""
    page = scripted_user.open("/device")
    page = scripted_user.browser.submit(page, page.form("/device"), user_code=user_code)
    page = scripted_user.browser.submit(page, page.form("/device/decision"), decision=decision)
    assert page.status == 200, page.words
    return page.words


@contextmanager
def rules_with(scripted_user: ScriptedUser, *changes: tuple[str, str]) -> Iterator[None]:
    """Other rules, until the end. The bridge looks at them once a second."""
    rules, before = scripted_user.company.rules, scripted_user.roles()
    text = rules.read_text()
    changed = text
    for old, new in changes:
        assert old in text
        changed = changed.replace(old, new)
    rules.write_text(changed)
    try:
        _wait_until(scripted_user, lambda roles: roles != before)
        yield
    finally:
        rules.write_text(text)
        _wait_until(scripted_user, lambda roles: roles == before)


def _wait_until(scripted_user: ScriptedUser, holds: Callable[[list[str]], bool]) -> None:
    give_up_at = time.monotonic() + WITHIN
    while not holds(scripted_user.roles()):
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


def in_the_database(home: Home, change: str) -> None:
    """Lets time pass for one thing that the bridge has kept."""
    key = derived_key(read_or_make_sealing_key(home.company.folder / "sealing.key"), "rows")
    url = f"sqlite:///{home.company.folder / 'bridge.db'}"
    with closing(open_store(url, clock=lambda: datetime.now(UTC), integrity_key=key)) as store:
        assert changed_by_us(store, change, DEVICE_CODES, AUTHORIZATION_CODES) > 0
