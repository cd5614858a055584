"""The local AWS that messages are asked of; import it where it is needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from local_aws_factories import ServedAws, served, signer

from federation_bridge.sandbox.aws import provisioning


@pytest.fixture
def served_aws() -> Iterator[ServedAws]:
    with served() as made:
        account, state = made.account, made.local.state
        provisioning.change_saml_provider(
            state, account, "bridge", encryption="Allowed", add_private_key=signer("decrypts").private_pem.decode()
        )
        yield made
