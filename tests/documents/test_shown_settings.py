"""Every setting that a document shows is taken, and every role."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from documents.blocks import Block, blocks
from documents.readme_files import readme_settings
from documents.test_blocks import RUN_BY

from federation_bridge.mapping import load_register
from federation_bridge.settings import Settings, settings_from

BLOCKS = blocks()
SETTINGS = [name for name, (_, test) in RUN_BY.items() if test == "test_every_shown_setting_is_taken"]


def _settings(block: Block, folder: Path) -> Settings:
    shown = yaml.safe_load(block.text)
    for secret in re.findall(r"\{ *file: *([^ }]+) *\}", block.text):
        (folder / Path(secret).name).write_text("a" * 44)
        (folder / Path(secret).name).chmod(0o600)
    base = readme_settings()
    if shown.get("rulebook", {}).get("source") == "database":
        del base["rules"], base["accounts"]
    text = json.dumps(base | shown).replace("/run/secrets/", f"{folder}/")
    # A placeholder is what a person replaces: <tenant id>, TENANT-ID.
    return settings_from(json.loads(re.sub(r"<[^<>\"]+>", "00000000-0000-0000-0000-000000000000", text)), folder)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_shown_setting_is_taken(tmp_path: Path, name: str) -> None:
    assert _settings(BLOCKS[name], tmp_path).base_url == "https://aws.example.com"


def test_a_shown_role_is_one_that_the_register_takes() -> None:
    text = (
        yaml.safe_load(BLOCKS["docs/rules.md yaml 1"].text)
        | {"accounts": [{"id": "222222222222", "name": "Development",
                         "provider": "arn:aws:iam::222222222222:oidc-provider/bridge.example.com",
                         **yaml.safe_load(BLOCKS["docs/aws-clients.md yaml 2"].text)}]}
    )  # fmt: skip
    account = load_register(json.dumps(text)).accounts["222222222222"]
    assert account.roles["Developer"].web_identity_file
