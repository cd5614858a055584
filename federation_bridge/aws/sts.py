"""Redeems a statement at STS: in one region, and in the next where the first does not answer.

Retries are ours rather than botocore's, so that they are bounded, jittered and can be tested with the clock held still.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.parsers import ResponseParserError

from federation_bridge.aws import lifetimes
from federation_bridge.aws.calls import AwsCalls, Call, CircuitOpen, EndpointDown, unreachable
from federation_bridge.aws.error_codes import printable, refusal_of
from federation_bridge.aws.redeemed import Redeemed, redeemed
from federation_bridge.aws.statement import Statement
from federation_bridge.aws.sts_clients import ForeignAnswer, RegionalClients
from federation_bridge.aws_regions import REGIONS, region_mistake
from federation_bridge.errors import (
    AwsBusy,
    AwsRefused,
    AwsUnreachable,
    BridgeError,
    ConfigurationInvalid,
    OutsideAwsLimits,
)
from federation_bridge.kept_connections import NoAnswer, Unreadable
from federation_bridge.model import Clock, Grant
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


class _AskElsewhere(Exception):
    """One region cannot answer now; another may."""

    may_be_sold = False
    """Whether it may have issued a session all the same, whose credentials reached nobody."""


class _Throttled(_AskElsewhere):
    """One region is up, and asked too often."""


class _Unreadable(_AskElsewhere):
    """One region answered what nobody can read."""

    may_be_sold = True


class _RegionDown(_AskElsewhere, EndpointDown):
    """One region does not answer at all: counts against its circuit."""

    may_be_sold = True


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
            AnswerNotGranted: STS issued something else than was granted.
            RoleWithheld: the rule ends too soon for a session that begins now.
            AwsUnreachable: no region answered, or too many requests wait for AWS; AwsBusy where all regions throttle.

        Each tells by `is_unissued` whether it is certain that no region issued a session.
        """
        ends_by = self._monotonic() + self._aws.total_timeout.total_seconds()
        failures, soonest, may_be_sold, is_busy = [], 0.0, False, True
        for region in self._regions(grant):
            try:
                answer = self._ask(region, grant, statement, ends_by)
            except BridgeError as refusal:
                refusal.is_unissued = not may_be_sold and (refusal.is_unissued or isinstance(refusal, AwsUnreachable))
                raise
            except CircuitOpen as circuit:
                failures.append(f"{region}: {circuit}")
                is_busy = False
                soonest = min(soonest or circuit.seconds, circuit.seconds)
            except _AskElsewhere as failure:
                may_be_sold, is_busy = may_be_sold or failure.may_be_sold, is_busy and isinstance(failure, _Throttled)
                self._shunned_until[region] = self._monotonic() + _SHUNNED_FOR
                failures.append(f"{region}: {failure}")
            else:
                return redeemed(answer, grant, region)
        told = "no STS answered: " + "; ".join(failures)
        silence = AwsBusy(told) if is_busy else unreachable(told, soonest)
        silence.is_unissued = not may_be_sold
        raise silence

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
        # Nothing but throttling is asked about again.
        raise _Throttled(f"{problem} ({asked} times)") if asked else _AskElsewhere("no time was left for it")

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
            raise _unsold(OutsideAwsLimits(f"not sent: {printable(str(failure))}")) from None
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
    return _RegionDown(reason) if status >= _SERVER_ERROR else _Unreadable(reason)


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
    return _unsold(refusal_of(code, message, asked))


def _unsold(refusal: BridgeError) -> BridgeError:
    """The refusal of a call for which no session was issued."""
    refusal.is_unissued = True
    return refusal


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
