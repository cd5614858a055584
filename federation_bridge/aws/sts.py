"""Redeems a statement at STS: one unsigned client for each region, made once; a second region where the first fails.

Retries are ours rather than botocore's, so that they are bounded, jittered and can be tested with the clock held still.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004
from botocore.parsers import ResponseParserError

from federation_bridge.aws import lifetimes, sts_messages
from federation_bridge.aws.partitions import PARTITIONS
from federation_bridge.aws.refusals import explained, printable
from federation_bridge.aws.statement import Statement
from federation_bridge.errors import AwsRefused, AwsUnreachable, ConfigurationInvalid
from federation_bridge.model import AwsCredentials, Clock, Grant
from federation_bridge.settings import Aws, Outgoing

_THROTTLING = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "TooManyRequestsException"}
)
_ELSEWHERE = frozenset({"RegionDisabledException", "RegionDisabled"})
_AGAIN = frozenset({"IDPCommunicationError"})
_ATTEMPTS = 3
_FIRST_PAUSE = 0.2  # seconds; doubled each time, and each pause is a random part of it
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
_CONNECTIONS = 64
_SHUNNED_FOR = 30.0  # seconds, so that not every grant waits for a region that is down


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What STS gave for a statement, and where and under which request id: what joins our audit to AWS's."""

    credentials: AwsCredentials
    """What the holder gets; its end is never past the end of the grant."""
    request_id: str
    region: str
    expires_at: datetime
    """When the session ends, as AWS said."""


class _AskElsewhere(Exception):
    """One region cannot answer now; another may."""


class _AskAgain(Exception):
    """One region may answer in a moment."""


class StsClients:
    """Every region's STS, reached as the settings say. Safe for threads."""

    def __init__(
        self,
        aws: Aws,
        outgoing: Outgoing,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[float], float] = lambda longest: random.uniform(0, longest),  # noqa: S311 - not a secret
        monotonic: Callable[[], float] = time.monotonic,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        """`jitter` gives a pause of at most the seconds it is given; ConfigurationInvalid for a region of nowhere."""
        _check_regions(aws)
        self._aws = aws
        self._outgoing = outgoing
        self._sleep = sleep
        self._jitter = jitter
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._session: Any = None
        self._monotonic = monotonic
        self._clock = clock
        self._shunned_until: dict[str, float] = {}

    def redeem(self, grant: Grant, statement: Statement) -> Redeemed:
        """The credentials that STS gives for this statement, for no longer than was granted.

        Raises:
            AwsRefused: STS said no, or sold a session past the end of the grant; the detail says which.
            RoleNotGranted: the rule ends too soon for a session that begins now.
            AwsUnreachable: no region answered, or all of them throttle.
        """
        failures = []
        for region in self._regions(grant):
            try:
                answer = self._ask(region, grant, statement)
            except _AskElsewhere as failure:
                self._shunned_until[region] = self._monotonic() + _SHUNNED_FOR
                failures.append(f"{region}: {failure}")
            else:
                return _redeemed(answer, grant, region)
        raise AwsUnreachable("no STS answered: " + "; ".join(failures))

    def prepare(self, partition: str) -> None:
        """Makes the clients of a partition ahead of the first grant, which would wait for them otherwise."""
        for region in self._aws.home_regions.get(partition, ()):
            self._client(region)

    def _regions(self, grant: Grant) -> list[str]:
        """The partition's regions in the settings' order, but those that failed a moment ago last."""
        regions = self._aws.home_regions.get(grant.account.partition)
        if not regions:
            raise ConfigurationInvalid(f"`aws.home_regions` names no region of {grant.account.partition}")
        now = self._monotonic()
        return sorted(regions, key=lambda region: self._shunned_until.get(region, now) > now)

    def _ask(self, region: str, grant: Grant, statement: Statement) -> Mapping[str, Any]:
        client = self._client(region)
        problem = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(self._jitter(_FIRST_PAUSE * 2**attempt))
            try:
                # Counted anew for each call: what is left of a rule shrinks with every try.
                seconds = lifetimes.asked_seconds(grant, self._clock(), answer_time(self._aws))
                operation, parameters = _call_of(grant, statement, seconds)
                answer: Mapping[str, Any] = _translated(getattr(client, operation), parameters)
            except _AskAgain as failure:
                problem = str(failure)
            else:
                return answer
        raise _AskElsewhere(f"{problem} ({_ATTEMPTS} times)")

    def _client(self, region: str) -> Any:
        client = self._clients.get(region)
        if client is not None:
            return client
        with self._lock:
            if region not in self._clients:
                self._clients[region] = self._make(region)
            return self._clients[region]

    def _make(self, region: str) -> Any:
        # At level DEBUG botocore logs whole bodies: the statement on the way out, the secret key on the way back.
        for name in ("botocore", "urllib3"):
            logging.getLogger(name).setLevel(logging.INFO)
        config = Config(
            signature_version=UNSIGNED,
            connect_timeout=self._aws.connect_timeout.total_seconds(),
            read_timeout=self._aws.read_timeout.total_seconds(),
            retries={"total_max_attempts": 1},
            max_pool_connections=_CONNECTIONS,
            tcp_keepalive=True,
            # Never None: botocore would then take proxies from the environment.
            proxies=self._proxies(),
            user_agent=sts_messages.USER_AGENT,
        )
        try:
            if self._session is None:
                self._session = botocore.session.get_session()
                self._session.set_config_variable("sts_regional_endpoints", "regional")
                sts_messages.quicken(self._session)
            return self._session.create_client(
                "sts",
                region_name=region,
                config=config,
                endpoint_url=self._aws.local_endpoint,
                verify=str(self._outgoing.ca_bundle) if self._outgoing.ca_bundle else True,
            )
        except (BotoCoreError, ValueError) as problem:
            raise ConfigurationInvalid(f"the STS client for {region} cannot be made: {problem}") from None

    def _proxies(self) -> dict[str, str]:
        proxy = self._outgoing.proxy
        if proxy is None or self._aws.local_endpoint is not None:
            return {}
        return {"https": proxy, "http": proxy}


def answer_time(aws: Aws) -> timedelta:
    """How long after a call was begun AWS may still answer it."""
    return aws.connect_timeout + aws.read_timeout


def _check_regions(aws: Aws) -> None:
    for name, regions in aws.home_regions.items():
        partition = PARTITIONS.get(name)
        wrong = [region for region in regions if partition is None or not partition.region.fullmatch(region)]
        if partition is None or wrong:
            what = f"{wrong[0]!r} is no region of {name}" if partition else f"there is no partition {name!r}"
            raise ConfigurationInvalid(f"`aws.home_regions`: {what}")


def _translated(call: Callable[..., Mapping[str, Any]], parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """What STS answers; botocore's exceptions become ours, or the two reasons to ask once more."""
    try:
        return call(**parameters)
    except ClientError as refusal:
        raise _sorted(refusal) from None
    except (HTTPClientError, ConnectionError) as failure:
        # Its text holds the address and the cause; never the body.
        raise _AskElsewhere(printable(str(failure))) from None
    except BotoCoreError as failure:
        raise AwsRefused(f"STS could not be asked: {printable(str(failure))}") from None
    except (ResponseParserError, KeyError, ValueError):
        # The parser's text repeats the body, and with it what may be credentials.
        raise _AskElsewhere("answered something that is no answer of STS") from None


def _sorted(refusal: ClientError) -> Exception:
    error = refusal.response.get("Error", {})
    code, message = str(error.get("Code", "")), str(error.get("Message", ""))
    status = int(refusal.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    told = f"{printable(code)}: {printable(message)}"
    if code in _THROTTLING or code in _AGAIN or status == _TOO_MANY_REQUESTS:
        return _AskAgain(told)
    if code in _ELSEWHERE or status >= _SERVER_ERROR:
        return _AskElsewhere(told)
    return AwsRefused(explained(code, message))


def _call_of(grant: Grant, statement: Statement, seconds: int) -> tuple[str, dict[str, Any]]:
    """The operation and its parameters (STS API): DurationSeconds always, so that nothing rests on a default."""
    parameters: dict[str, Any] = {
        "RoleArn": grant.role_arn,
        "DurationSeconds": seconds,
    }
    if grant.policy:
        parameters["Policy"] = grant.policy
    if grant.policy_arns:
        parameters["PolicyArns"] = [{"arn": arn} for arn in grant.policy_arns]
    if grant.account.road == "saml":
        parameters |= {"PrincipalArn": grant.account.provider_arn, "SAMLAssertion": statement.text}
        return "assume_role_with_saml", parameters
    parameters |= {"RoleSessionName": grant.session_name, "WebIdentityToken": statement.text}
    return "assume_role_with_web_identity", parameters


def _redeemed(answer: Mapping[str, Any], grant: Grant, region: str) -> Redeemed:
    try:
        secret, user = answer["Credentials"], answer["AssumedRoleUser"]
        expires_at: datetime = secret["Expiration"].astimezone(UTC)
        credentials = AwsCredentials(
            access_key_id=secret["AccessKeyId"],
            secret_access_key=secret["SecretAccessKey"],
            session_token=secret["SessionToken"],
            expires_at=expires_at,
            account_id=grant.account.id,
            role=grant.role,
            region=grant.account.region,
            assumed_role_arn=user["Arn"],
        )
    except (KeyError, AttributeError, TypeError):
        raise AwsRefused(f"the STS in {region} answered without credentials") from None
    account = grant.account
    expected = f"arn:{account.partition}:sts::{account.id}:assumed-role/{grant.role}/{grant.session_name}"
    if credentials.assumed_role_arn != expected:
        raise AwsRefused(f"STS answered for {printable(credentials.assumed_role_arn)} and not for {expected}")
    told = replace(credentials, expires_at=lifetimes.told_end(grant, expires_at))
    return Redeemed(told, str(answer.get("ResponseMetadata", {}).get("RequestId", "")), region, expires_at)
