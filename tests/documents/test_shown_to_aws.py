"""What README and docs show for AWS: the way to a provider that it knows, and the trust policy that we print."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import begun_programs
import yaml
from aws_cli import AwsCli, aws_program
from documents.blocks import ROOT, blocks
from documents.readme_files import three_files
from local_aws_factories import served

from federation_bridge.aws import trust_policies
from federation_bridge.mapping import load_register
from federation_bridge.model import Account
from federation_bridge.sandbox.aws import provisioning

BLOCKS = blocks()


def _federation_bridge(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "federation_bridge.operate", *(str(word) for word in words)]
    return begun_programs.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)


def test_the_readme_leads_from_three_files_to_a_provider_that_aws_knows(tmp_path: Path) -> None:
    settings = three_files(tmp_path)
    checked = _federation_bridge("check", "--settings", settings)
    assert checked.returncode == 0, checked.stdout
    assert "rule platform-administrators can reach: 111111111111/Administrator" in checked.stdout
    assert _federation_bridge("migrate", "--settings", settings).returncode == 0
    public = tmp_path / "public"
    assert _federation_bridge("issuer", "export", "--settings", settings, "--to", public).returncode == 0
    (line,) = BLOCKS["README.md console 3"].commands
    account = yaml.safe_load(BLOCKS["README.md yaml 2"].text)["accounts"][0]
    with served() as local:
        root = provisioning.put_access_key(local.local.state, local.local.account(account["id"]))
        aws = AwsCli(aws_program(), tmp_path, local.address, {"AccessKeyId": root.id, "SecretAccessKey": root.secret})
        made = aws(*shlex.split(line.replace("DIR", str(public)))[1:]).json
    assert made["SAMLProviderArn"] == account["provider"]


def test_the_shown_trust_policy_is_the_one_that_we_print() -> None:
    shown = json.loads(BLOCKS["docs/aws.md json 1"].text)
    provider = shown["Statement"][0]["Principal"]["Federated"]
    entity_id = shown["Statement"][0]["Condition"]["StringEquals"]["saml:iss"]
    register = f'{{version: 1, accounts: [{{id: "123456789012", name: A, provider: "{provider}", roles: [Admin]}}]}}'
    account: Account = load_register(register).accounts["123456789012"]
    made = trust_policies.for_role(account, "Admin", entity_id=entity_id, issuer="https://bridge.example.com")
    assert made == shown
