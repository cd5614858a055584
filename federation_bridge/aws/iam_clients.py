"""botocore's client of IAM for one account, by credentials of ours: bounded in time and bytes as calls of STS are."""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from federation_bridge.aws import foreign_answers, sts_messages
from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.aws.sts_clients import RegionalClients, keep_bodies_out_of_logs
from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.kept_connections import KeptConnections
from federation_bridge.model import AwsCredentials


class IamClients(RegionalClients):
    """Clients of IAM, whose endpoint is one for each partition. Safe for threads."""

    _is_answer = staticmethod(foreign_answers.is_of_iam)

    def with_credentials(self, partition: str, credentials: AwsCredentials) -> Any:
        """A client that signs with these; ConfigurationInvalid where it cannot be made."""
        keep_bodies_out_of_logs()
        config = Config(
            retries={"total_max_attempts": 1},
            # Never None, or botocore would take proxies from the environment.
            proxies={},
            user_agent=sts_messages.USER_AGENT,
        )
        try:
            with self._lock:
                if self._session is None:
                    self._session = self._made_session()
                return self._session.create_client(
                    "iam",
                    region_name=PARTITIONS[partition].iam_region,
                    aws_access_key_id=credentials.access_key_id,
                    aws_secret_access_key=credentials.secret_access_key,
                    aws_session_token=credentials.session_token,
                    config=config,
                    endpoint_url=self._aws.local_endpoint,
                )
        except (BotoCoreError, ValueError) as problem:
            raise ConfigurationInvalid(f"the IAM client for {partition} cannot be made: {problem}") from None

    def _made_session(self) -> Any:
        session = botocore.session.get_session()
        self._connections = KeptConnections(self._tls(), self._proxy())
        send: Any = self._send
        session.register("before-send.iam", send)
        return session
