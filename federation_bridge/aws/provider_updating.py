"""SAML providers of accounts, read and updated with the credentials of whoever runs this program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

from federation_bridge.aws.account_access import AccountAccess, asked
from federation_bridge.aws.account_reading import saml_provider
from federation_bridge.aws.provider_check import RealSamlProvider
from federation_bridge.model import Account
from federation_bridge.settings import Aws, Outgoing

Clock = Callable[[], datetime]

SESSION_NAME = "federation-bridge-keys"


class ReachedProvider:
    """The SAML provider of one account, while there is a way to it. Each call may raise Unanswered."""

    def __init__(self, arn: str, iam: Any, clock: Clock) -> None:
        self._arn = arn
        self._iam = iam
        self._clock = clock

    def read(self) -> RealSamlProvider:
        """As it stands there now."""
        return saml_provider(self._arn, self._iam, self._clock())

    def update(self, metadata: str) -> None:
        """Puts this document in place of the one before. What else the provider has stays: it is not named."""
        wanted = {"SAMLProviderArn": self._arn, "SAMLMetadataDocument": metadata}
        asked("iam:UpdateSAMLProvider", lambda: self._iam.update_saml_provider(**wanted))


class SamlProviders:
    """The way to each account's provider; `role_name` is assumed in accounts of which the credentials are not."""

    def __init__(self, aws: Aws, outgoing: Outgoing, clock: Clock, role_name: str = "") -> None:
        self._access = AccountAccess(aws, outgoing, role_name, SESSION_NAME)
        self._clock = clock

    @contextmanager
    def reach(self, account: Account) -> Iterator[ReachedProvider]:
        """The provider that the register names for this account; Unanswered where there is no way in."""
        with closing(self._access.iam(account.id, account.partition)) as iam:
            yield ReachedProvider(account.provider_arn, iam, self._clock)
