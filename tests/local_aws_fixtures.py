"""A local AWS that is served; import these fixtures where they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from local_aws_factories import ServedAws, served

from federation_bridge.sandbox.aws import provisioning


@pytest.fixture
def served_aws() -> Iterator[ServedAws]:
    with served() as made:
        yield made


@pytest.fixture
def iam(served_aws: ServedAws) -> Any:
    """A client of IAM with an access key of the account's root."""
    root = provisioning.put_access_key(served_aws.local.state, served_aws.account)
    return served_aws.client("iam", {"AccessKeyId": root.id, "SecretAccessKey": root.secret})
