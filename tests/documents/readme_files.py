"""The three files that the README leads to, as a newcomer would have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from documents.blocks import blocks

from federation_bridge.sandbox.identity_provider.saml_message import make_signer, metadata_xml

BLOCKS = blocks()


def readme_settings() -> dict[str, Any]:
    """The README's settings; what a block names takes its place."""
    found = yaml.safe_load(BLOCKS["README.md yaml 1"].text)
    assert isinstance(found, dict)
    return found


def three_files(folder: Path, **more: Any) -> Path:
    """The README's files in `folder`; the provider's metadata comes from a file, for tests look up no names."""
    shown = readme_settings()
    del shown["connections"]["entra"]["metadata_url"]
    shown["connections"]["entra"]["metadata_file"] = "idp.xml"
    (folder / "idp.xml").write_bytes(
        metadata_xml("https://idp.example.test/saml", "https://idp.example.test/sso", [make_signer()])
    )
    (folder / "federation-bridge.yaml").write_text(yaml.safe_dump(shown | more))
    (folder / "accounts.yaml").write_text(BLOCKS["README.md yaml 2"].text)
    (folder / "rules.yaml").write_text(BLOCKS["README.md yaml 3"].text)
    return folder / "federation-bridge.yaml"
