"""Redeems a statement at STS: in one region, and in the next where the first does not answer.

Retries are ours rather than botocore's, so that they are bounded, jittered and can be tested with the clock held still.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.parsers import ResponseParserError

from federation_bridge.aws import lifetimes
from federation_bridge.aws.calls import AwsCalls, Call, CircuitOpen, EndpointDown, unreachable
from federation_bridge.aws.refusals import printable, refusal_of
from federation_bridge.aws.statement import Statement
from federation_bridge.aws.sts_clients import ForeignAnswer, RegionalClients
from federation_bridge.aws_regions import REGIONS, region_mistake
from federation_bridge.errors import AnswerNotGranted, AwsRefused, ConfigurationInvalid, OutsideAwsLimits
from federation_bridge.kept_connections import NoAnswer, Unreadable
from federation_bridge.model import AwsCredentials, Clock, Grant
from federation_bridge.settings import Aws, Outgoing

_THROTTLING = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "TooManyRequestsException"}
)
_ELSEWHERE = frozenset({"RegionDisabledException", "RegionDisabled"})
_IDP_COMMUNICATION = "IDPCommunicationError"
_ATTEMPTS = 3
_FIRST_PAUSE = 0.2  # seconds; doubled each time, and each pause is a random part of it
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
_SHUNNED_FOR = 30.0  # seconds, so that a region that failed is asked after the others for a while
_LEAST = 0.05  # seconds; with less left, no call is begun


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


class _RegionDown(_AskElsewhere, EndpointDown):
    """One region does not answer at all: counts against its circuit."""


class _AskAgain(Exception):
    """One region may answer in a moment."""


class StsClients:
    """Every region's STS, reached as the settings say. Safe for threads."""

    def __init__(
        self,
        aws: Aws,
        outgoing: Outgoing,
        calls: AwsCalls | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[float], float] = lambda longest: random.uniform(0, longest),  # noqa: S311 - not a secret
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        """`jitter` gives a pause of at most the seconds it is given; ConfigurationInvalid for a region of nowhere."""
        _check_regions(aws)
        self._aws = aws
        self._calls = calls or AwsCalls(1)
        self._clients = RegionalClients(aws, outgoing)
        self._sleep = sleep
        self._jitter = jitter
        self._monotonic = self._calls.monotonic
        self._clock = clock
        self._shunned_until: dict[str, float] = {}

    def redeem(self, grant: Grant, statement: Statement) -> Redeemed:
        """The credentials that STS gives for this statement, for no longer than was granted.

        All of it, over regions and tries and the wait for a place, takes no longer than `aws.total_timeout`.

        Raises:
            AwsRefused: STS said no; the detail says why.
            OutsideAwsLimits: STS was not asked, as it would say no.
            AnswerNotGranted: STS sold something else than was granted.
            RoleWithheld: the rule ends too soon for a session that begins now.
            AwsUnreachable: no region answered, or all of them throttle, or too many requests wait for AWS.
        """
        ends_by = self._monotonic() + self._aws.total_timeout.total_seconds()
        failures, soonest = [], 0.0
        for region in self._regions(grant):
            try:
                answer = self._ask(region, grant, statement, ends_by)
            except CircuitOpen as circuit:
                failures.append(f"{region}: {circuit}")
                soonest = min(soonest or circuit.seconds, circuit.seconds)
            except _AskElsewhere as failure:
                self._shunned_until[region] = self._monotonic() + _SHUNNED_FOR
                failures.append(f"{region}: {failure}")
            else:
                return _redeemed(answer, grant, region)
        raise unreachable("no STS answered: " + "; ".join(failures), soonest)

    def prepare(self, partition: str) -> None:
        """Makes the clients of a partition ahead of the first grant, which would wait for them otherwise."""
        for region in self._aws.home_regions.get(partition, ()):
            self._clients.of(region)

    def close(self) -> None:
        """Closes connections that are kept and not in use."""
        self._clients.close()

    def _regions(self, grant: Grant) -> list[str]:
        """The partition's regions in the settings' order, but those that failed a moment ago last."""
        regions = self._aws.home_regions.get(grant.account.partition)
        if not regions:
            raise ConfigurationInvalid(f"`aws.home_regions` names no region of {grant.account.partition}")
        now = self._monotonic()
        return sorted(regions, key=lambda region: self._shunned_until.get(region, now) > now)

    def _ask(self, region: str, grant: Grant, statement: Statement, ends_by: float) -> Mapping[str, Any]:
        problem, asked, pause = "", 0, 0.0
        while asked < _ATTEMPTS and self._monotonic() + pause + _LEAST < ends_by:
            if pause:
                self._sleep(pause)
            asked += 1
            try:
                return self._asked_once(region, grant, statement, ends_by)
            except _AskAgain as failure:
                problem = str(failure)
            pause = self._jitter(_FIRST_PAUSE * 2**asked)
        raise _AskElsewhere(f"{problem} ({asked} times)" if asked else "no time was left for it")

    def _asked_once(self, region: str, grant: Grant, statement: Statement, ends_by: float) -> Mapping[str, Any]:
        client = self._clients.of(region)
        # A place is held for one call and never through a pause.
        with self._calls.to(f"sts {region}", ends_by - self._monotonic()) as call:
            left = max(ends_by - self._monotonic(), _LEAST)
            # Counted anew for each call: what is left of a rule shrinks with every try.
            seconds = lifetimes.asked_seconds(grant, self._clock(), answer_time(self._aws))
            operation, parameters = _call_of(grant, statement, seconds)
            with self._clients.bounded(min(left, answer_time(self._aws).total_seconds())):
                return self._translated(getattr(client, operation), parameters, call)

    def _translated(
        self, ask: Callable[..., Mapping[str, Any]], parameters: Mapping[str, Any], call: Call
    ) -> Mapping[str, Any]:
        """What STS answers; exceptions become ours, or the reasons to ask once more. `call` learns of any answer."""
        try:
            answer = ask(**parameters)
        except NoAnswer as failure:
            raise _RegionDown(printable(str(failure))) from None
        except ParamValidationError as failure:
            raise OutsideAwsLimits(f"not sent: {printable(str(failure))}") from None
        except BotoCoreError as failure:
            raise AwsRefused(f"STS could not be asked: {printable(str(failure))}") from None
        except (ClientError, ForeignAnswer, Unreadable, ResponseParserError, KeyError, ValueError) as failure:
            asked = timedelta(seconds=parameters["DurationSeconds"])
            problem = _sorted(failure, self._clients.last_status(), asked)
            call.is_answered = not isinstance(problem, EndpointDown)
            raise problem from None
        call.is_answered = True
        return answer


def answer_time(aws: Aws) -> timedelta:
    """How long after a call was begun AWS may still answer it."""
    return min(aws.connect_timeout + aws.read_timeout, aws.total_timeout)


def _check_regions(aws: Aws) -> None:
    for name, regions in aws.home_regions.items():
        if name not in REGIONS:
            raise ConfigurationInvalid(f"`aws.home_regions`: there is no partition {name!r}")
        for region in regions:
            if mistake := region_mistake(region, name):
                raise ConfigurationInvalid(f"`aws.home_regions`: {mistake}")


def _sorted(failure: Exception, status: int, asked: timedelta) -> Exception:
    """What an answer that is no success means: a refusal, a reason to ask again or elsewhere, a region that is down."""
    if isinstance(failure, ClientError):
        return _sorted_refusal(failure, status, asked)
    # A parser's own text repeats the body, and with it what may be credentials.
    is_ours = isinstance(failure, ForeignAnswer | Unreadable)
    reason = printable(str(failure)) if is_ours else "answered something that is no answer of STS"
    if status == _TOO_MANY_REQUESTS:
        return _AskAgain(reason)
    return _RegionDown(reason) if status >= _SERVER_ERROR else _AskElsewhere(reason)


def _sorted_refusal(refusal: ClientError, status: int, asked: timedelta) -> Exception:
    error = refusal.response.get("Error", {})
    code, message = str(error.get("Code", "")), str(error.get("Message", ""))
    if not code and status < _SERVER_ERROR:
        return _AskElsewhere(f"answered {status} with an error that has no code, as AWS never does")
    told = f"{printable(code)}: {printable(message)}"
    if code in _THROTTLING or status == _TOO_MANY_REQUESTS:
        return _AskAgain(told)
    if code == _IDP_COMMUNICATION:
        # On the OIDC road STS has just waited for our own discovery document and keys. To ask again here would keep two
        # threads of ours busy for every try; another region may have them already.
        return _AskElsewhere(f"{told}; AWS could not fetch the issuer's documents")
    if code in _ELSEWHERE:
        return _AskElsewhere(told)
    if status >= _SERVER_ERROR:
        return _RegionDown(told)
    return refusal_of(code, message, asked)


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
        raise AnswerNotGranted(f"the STS in {region} answered without credentials") from None
    account = grant.account
    expected = f"arn:{account.partition}:sts::{account.id}:assumed-role/{grant.role}/{grant.session_name}"
    if credentials.assumed_role_arn != expected:
        raise AnswerNotGranted(f"STS answered for {printable(credentials.assumed_role_arn)} and not for {expected}")
    told = replace(credentials, expires_at=lifetimes.told_end(grant, expires_at))
    return Redeemed(told, str(answer.get("ResponseMetadata", {}).get("RequestId", "")), region, expires_at)
