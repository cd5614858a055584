"""The way into accounts with the credentials of whoever runs this program: their own account, others by a role there.

The credentials are found as boto3 finds them. Whatever goes wrong is `Unanswered`, in words for the operator.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.parsers import ResponseParserError

from federation_bridge.settings import Aws, Outgoing
from federation_bridge.shown_text import quoted

_SHORTEST_SESSION = 900
_TRIES = 5
DENIED = frozenset({"AccessDenied", "AccessDeniedException"})
_BUSY = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "ServiceUnavailable", "ServiceFailure"})
_NOT_TAKEN = frozenset(
    {
        "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "RequestExpired", "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Caller:
    """Whose credentials they are."""

    account: str
    partition: str


class Unanswered(Exception):
    """A call that told nothing; the text says why, in words for the operator."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class AccountAccess:
    """Clients of IAM, account by account; `role_name` (a path before it is allowed) is assumed in other accounts.

    `session_name`: what CloudTrail shows of a session in another account.
    """

    def __init__(self, aws: Aws, outgoing: Outgoing, role_name: str, session_name: str) -> None:
        self._aws = aws
        self._outgoing = outgoing
        self._role_name = role_name.strip("/")
        self._session_name = session_name
        self._session: Any = None
        self._caller: _Caller | None = None
        self._failed: dict[str, Unanswered] = {}
        # At level DEBUG botocore logs whole bodies, and with them the keys of an assumed role.
        for name in ("boto3", "botocore", "urllib3"):
            logging.getLogger(name).setLevel(logging.INFO)

    def iam(self, account: str, partition: str) -> Any:
        """A client of IAM in this account, which the caller closes; Unanswered where there is no way in."""
        try:
            return self._client("iam", partition, self._keys(account, partition))
        except (BotoCoreError, ValueError) as problem:
            raise Unanswered(_unreachable(problem)) from None

    def _keys(self, account: str, partition: str) -> dict[str, str]:
        """The keys of a session in this account; none where the operator's own credentials are of it."""
        caller = self._whose(partition)
        if caller.partition != partition:
            raise Unanswered(
                f"the credentials are of the partition {caller.partition}: run it again with some of {partition}"
            )
        if caller.account == account:
            return {}
        if not self._role_name:
            raise Unanswered(
                f"the credentials are of account {caller.account}: name with --role-name a role that reads this one"
            )
        arn = f"arn:{partition}:iam::{account}:role/{self._role_name}"
        with closing(self._client("sts", partition, {})) as sts:
            wanted = {"RoleArn": arn, "RoleSessionName": self._session_name, "DurationSeconds": _SHORTEST_SESSION}
            try:
                got = asked("sts:AssumeRole", lambda: sts.assume_role(**wanted)["Credentials"])
            except Unanswered as problem:
                if problem.code not in DENIED:
                    raise
                raise Unanswered(f"{arn} cannot be assumed: it is not there, or one side does not allow it") from None
        return {
            "aws_access_key_id": got["AccessKeyId"],
            "aws_secret_access_key": got["SecretAccessKey"],
            "aws_session_token": got["SessionToken"],
        }

    def _whose(self, partition: str) -> _Caller:
        """Asked once for all accounts, a failure once for each partition: 40 accounts shall not wait 40 times for a
        lost network, and STS of another partition does not know good credentials.
        """
        if self._caller is None and partition not in self._failed:
            try:
                with closing(self._client("sts", partition, {})) as sts:
                    arn = asked("sts:GetCallerIdentity", lambda: sts.get_caller_identity()["Arn"]).split(":")
                self._caller = _Caller(arn[4], arn[1])
            except Unanswered as problem:
                self._failed[partition] = problem
            except (BotoCoreError, ValueError) as problem:
                self._failed[partition] = Unanswered(_unreachable(problem))
        if self._caller is None:
            raise self._failed[partition]
        return self._caller

    def _client(self, service: str, partition: str, keys: dict[str, str]) -> Any:
        if self._session is None:
            self._session = boto3.Session()
        proxy = None if self._aws.local_endpoint else self._outgoing.proxy
        config = Config(
            connect_timeout=self._aws.connect_timeout.total_seconds(),
            read_timeout=self._aws.read_timeout.total_seconds(),
            retries={"mode": "standard", "total_max_attempts": _TRIES},
            # Never None: botocore would then take proxies from the environment.
            proxies={"https": proxy, "http": proxy} if proxy else {},
        )
        bundle = self._outgoing.ca_bundle
        return self._session.client(
            service,
            region_name=self._aws.home_regions[partition][0],
            endpoint_url=self._aws.local_endpoint,
            verify=str(bundle) if bundle else True,
            config=config,
            **keys,
        )


def asked(action: str, call: Callable[[], Any]) -> Any:
    """What `call` takes from the answer of AWS; Unanswered with words for everything else."""
    try:
        return call()
    except ClientError as refused:
        code = str(refused.response.get("Error", {}).get("Code", ""))
        raise Unanswered(_refusal(action, code), code) from None
    except NoCredentialsError:
        raise Unanswered("there are no AWS credentials: sign in first, or name a profile in AWS_PROFILE") from None
    except (BotoCoreError, ValueError) as problem:
        raise Unanswered(f"{action}: {_unreachable(problem)}") from None
    except (ResponseParserError, KeyError):
        raise Unanswered(f"{action}: something between here and AWS answered, such as a proxy or a firewall") from None


def _refusal(action: str, code: str) -> str:
    if code in DENIED:
        return f"the credentials may not call {action}"
    if code in _BUSY:
        return f"AWS has no time for {action} ({code}): run it again later"
    if code in _NOT_TAKEN:
        return f"AWS does not take the credentials ({code}): sign in anew"
    return f"AWS refuses {action}: {quoted(code)}"


def _unreachable(problem: Exception) -> str:
    return f"AWS could not be asked: {quoted(problem)}"
