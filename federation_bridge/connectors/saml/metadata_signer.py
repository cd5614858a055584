"""The key that must have signed the metadata, where an administrator names one."""

from __future__ import annotations

import base64
from pathlib import Path

from federation_bridge.connectors.saml.policy import POLICY
from federation_bridge.connectors.saml.verifier import TrustedKey, trusted_key
from federation_bridge.errors import ConfigurationInvalid


def metadata_signers(certificate: Path | None) -> tuple[TrustedKey, ...]:
    """The key of the certificate in this PEM file, none where none is named; ConfigurationInvalid for another file."""
    if certificate is None:
        return ()
    try:
        lines = certificate.read_text(encoding="ascii").splitlines()
        der = base64.b64decode("".join(line for line in lines if "-----" not in line), validate=True)
    except (OSError, ValueError):
        raise ConfigurationInvalid(f"{certificate}: is not a certificate in PEM") from None
    return (trusted_key(der, POLICY),)
