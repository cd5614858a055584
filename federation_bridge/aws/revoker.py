"""Writes the revocation policy of an account, with a role that may do nothing else, and reads back what stands there.

The role is assumed through the bridge's own issuer, by a statement whose subject no person can have. Nothing here is
asked for by a request: errands do it, in threads of their own and with a pool of calls of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from federation_bridge.aws.calls import AwsCalls, CircuitOpen, EndpointDown, unreachable
from federation_bridge.aws.error_codes import printable
from federation_bridge.aws.iam_clients import IamClients
from federation_bridge.aws.policy_statements import allows_all, statements_of
from federation_bridge.aws.revocations import same_policy
from federation_bridge.aws.signed_statement import signed_statement
from federation_bridge.aws.statement import Statement
from federation_bridge.aws.sts import StsClients, answer_time
from federation_bridge.aws.sts_clients import ForeignAnswer
from federation_bridge.aws_limits import SHORTEST_SESSION
from federation_bridge.errors import AwsRefused, AwsUnreachable, CannotRevoke
from federation_bridge.kept_connections import NoAnswer, Unreadable
from federation_bridge.model import Account, Clock, Grant, JsonObject, Randomness, Role
from federation_bridge.settings import Aws, Settings
from federation_bridge.signing import KeyRing

SUBJECT = "federation-bridge-revoker"
"""NameID, session name and source identity of the bridge itself, and what trust policies of the role pin. No person
has it: a person's NameID is made of `connection/subject`, and the slash makes it end in a hash (`session_names`)."""

_MOST_VERSIONS = 5
_UNNOTICED = timedelta(seconds=5)
"""Between two clocks: an end lies 30 seconds ahead."""
_DATES = frozenset({"aws:TokenIssueTime"})
_SERVER_ERROR = 500
_SOON_AGAIN = frozenset(
    {
        *("Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"),
        *("ServiceFailure", "ServiceUnavailable", "InternalFailure"),
        *("ConcurrentModification", "EntityTemporarilyUnmodifiable"),
        # Two nodes that write at once meet here: the next try finds what the other one wrote.
        "LimitExceeded",
    }
)


@dataclass(frozen=True, slots=True)
class Found:
    """The revocation policy as it stands in an account."""

    document: Mapping[str, Any]
    version: str
    answered_at: datetime | None = None
    """When IAM answered, by its own clock and in whole seconds; None: it did not say."""

    def clock_ahead(self, now: datetime) -> timedelta:
        """How far AWS's clock is ahead of ours, which says `now`; zero for what the answer's way may explain."""
        ahead = timedelta(0) if self.answered_at is None else self.answered_at - now
        return ahead if ahead > _UNNOTICED else timedelta(0)

    def foreign_denies(self, is_ours: Callable[[Mapping[str, Any]], bool]) -> tuple[JsonObject, ...]:
        """Denies that somebody else put there; CannotRevoke where the policy is no boundary that allows all.

        Somebody made it narrower on purpose: our policy in its place would give roles more than they had.
        """
        if not any(allows_all(one) for one in statements_of(self.document)):
            raise CannotRevoke(
                "the revocation policy does not allow everything any more: somebody made it narrower, and to write "
                "over it would give the roles more. Put the allowing statement back, or attach another policy"
            )
        return tuple(one for one in self.denies() if not is_ours(one))

    def denies(self) -> tuple[JsonObject, ...]:
        """All statements that deny, whoever put them there."""
        return tuple(dict(one) for one in statements_of(self.document) if one.get("Effect") == "Deny")


@dataclass(frozen=True, slots=True)
class Bounded:
    """Which roles have the policy as their permissions boundary, or attached to them."""

    roles: frozenset[str]
    """By name."""
    is_known: bool = True
    """False where the revoking role may not list them."""


@dataclass(frozen=True)
class Revoker:
    """The calls. Safe for threads."""

    aws: Aws
    sts: StsClients
    clients: IamClients
    calls: AwsCalls
    """A pool of calls that no request waits for."""
    state: Callable[[Grant], Statement]
    """Signs the statement of a grant."""
    clock: Clock
    randomness: Randomness

    def opened(self, account: Account) -> Policy:
        """The policy of this account, to be read and written.

        Raises:
            CannotRevoke: the role cannot be assumed: the detail says what to do.
            AwsUnreachable: AWS does not answer now.
        """
        grant = grant_of_the_bridge(account, self.aws.revoking_role, self.clock(), "_" + self.randomness(20).hex())
        try:
            credentials = self.sts.redeem(grant, self.state(grant)).credentials
        except AwsRefused as refusal:
            raise CannotRevoke(f"the role {self.aws.revoking_role} cannot be assumed: {refusal.detail}") from None
        client = self.clients.with_credentials(account.partition, credentials)
        arn = f"arn:{account.partition}:iam::{account.id}:policy/{self.aws.revocation_policy}"
        return Policy(arn, client, lambda ask: self._asked(account.partition, ask))

    def close(self) -> None:
        """Closes connections that are kept."""
        self.clients.close()

    def _asked(self, partition: str, ask: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """One call of IAM, within its time; exceptions become ours."""
        try:
            with self.calls.to(f"iam {partition}") as call, self.clients.bounded(_seconds(self.aws)):
                try:
                    answer = ask()
                except (NoAnswer, ForeignAnswer, Unreadable) as failure:
                    raise _IamDown(printable(str(failure))) from None
                except ClientError:
                    call.is_answered = self.clients.last_status() < _SERVER_ERROR
                    raise
                call.is_answered = True
                return answer
        except _IamDown as failure:
            raise AwsUnreachable(f"IAM does not answer: {failure}") from None
        except CircuitOpen as circuit:
            raise unreachable(f"IAM: {circuit}", circuit.seconds) from None
        except (BotoCoreError, ResponseParserError, KeyError, ValueError):
            raise AwsUnreachable("IAM answered something that is no answer of IAM") from None


def revoker_of(settings: Settings, keys: KeyRing, calls: AwsCalls, clock: Clock, randomness: Randomness) -> Revoker:
    """The revoker of a bridge with these settings and keys; `calls`: a pool that no request waits for."""
    return Revoker(
        settings.aws,
        StsClients(settings.aws, settings.outgoing, calls, clock=clock),
        IamClients(settings.aws, settings.outgoing),
        calls,
        lambda grant: signed_statement(grant, keys, settings, clock()),
        clock,
        randomness,
    )


class _IamDown(EndpointDown):
    """IAM of a partition does not answer at all."""


class Policy:
    """The revocation policy of one account, open for a few minutes.

    All raise CannotRevoke where IAM says no, and AwsUnreachable where it cannot say anything now.
    """

    def __init__(
        self, arn: str, client: Any, asked: Callable[[Callable[[], Mapping[str, Any]]], Mapping[str, Any]]
    ) -> None:
        self.arn = arn
        self._client = client
        self._asked = asked

    def read(self) -> Found:
        """What stands there now."""
        answer = self._call("get_policy")
        version = answer["Policy"]["DefaultVersionId"]
        document = self._call("get_policy_version", VersionId=version)["PolicyVersion"]["Document"]
        if not isinstance(document, dict):
            raise CannotRevoke(f"{self.arn} cannot be read as a policy")
        return Found(document, version, _answered_at(answer))

    def beside(self, name: str) -> Policy:
        """Another policy of the same account."""
        return Policy(f"{self.arn.rpartition('/')[0]}/{name}", self._client, self._asked)

    def bounded(self, usage: str = "PermissionsBoundary") -> Bounded:
        """Which roles have it as their boundary; the role's permission to list them may be missing."""
        names: set[str] = set()
        marker: dict[str, str] = {}
        while True:
            try:
                page = self._call("list_entities_for_policy", PolicyUsageFilter=usage, **marker)
            except CannotRevoke:
                return Bounded(frozenset(), is_known=False)
            names |= {str(one["RoleName"]) for one in page.get("PolicyRoles", ())}
            if not page.get("IsTruncated"):
                return Bounded(frozenset(names))
            marker = {"Marker": page["Marker"]}

    def is_denied(self, role_arn: str, session: Mapping[str, str]) -> bool:
        """Whether a session of this role with these condition keys is denied explicitly, by IAM's simulation.

        The bridge holds nobody's credentials, so it cannot make the call itself.
        """
        entries = [
            {"ContextKeyName": key, "ContextKeyType": "date" if key in _DATES else "string", "ContextKeyValues": [text]}
            for key, text in session.items()
        ]
        named = {"PolicySourceArn": role_arn, "ActionNames": ["s3:ListAllMyBuckets"], "ContextEntries": entries}
        answer = self._call("simulate_principal_policy", **named)
        return [one["EvalDecision"] for one in answer["EvaluationResults"]] == ["explicitDeny"]

    def write(self, document: JsonObject, text: str) -> Found:
        """Makes this the default version and gives what was read back, which is the same.

        AwsUnreachable where something else was read back: it is tried again.
        """
        self._make_room()
        self._call("create_policy_version", PolicyDocument=text, SetAsDefault=True)
        found = self.read()
        if not same_policy(found.document, document):
            raise AwsUnreachable(f"{self.arn} is not what was just written: somebody else writes it, too")
        return found

    def _make_room(self) -> None:
        versions: Sequence[Mapping[str, Any]] = self._call("list_policy_versions")["Versions"]
        if len(versions) < _MOST_VERSIONS:
            return
        others = [one for one in versions if not one["IsDefaultVersion"]]
        oldest = min(others, key=lambda one: int(str(one["VersionId"])[1:]))
        self._call("delete_policy_version", VersionId=oldest["VersionId"])

    def _call(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        ask = getattr(self._client, operation)
        about = {} if operation == "simulate_principal_policy" else {"PolicyArn": self.arn}
        try:
            return self._asked(lambda: ask(**about, **parameters))
        except ClientError as refused:
            error = refused.response.get("Error", {})
            code, message = printable(str(error.get("Code", ""))), printable(str(error.get("Message", "")))
            status = refused.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if code in _SOON_AGAIN or status >= _SERVER_ERROR:
                raise AwsUnreachable(f"IAM is busy: {code}: {message}") from None
            if code == "NoSuchEntity" and operation == "get_policy":
                raise CannotRevoke(f"there is no policy {self.arn}: the account's template makes it") from None
            raise CannotRevoke(f"IAM refuses {operation}: {code}: {message}") from None


def grant_of_the_bridge(account: Account, role: str, now: Any, grant_id: str) -> Grant:
    """What the bridge grants to itself, and to nobody else: the revoking role, for the shortest time.

    The role stands in no register; the account here is the registered one with this role alone.
    """
    own = replace(account, roles={role: Role(role, max_session=timedelta(hours=1))})
    return Grant(
        id=grant_id,
        person=SUBJECT,
        account=own,
        role=role,
        duration=SHORTEST_SESSION,
        decided_at=now,
        session_name=SUBJECT,
        source_identity=SUBJECT,
        tags={},
        transitive_tags=(),
        policy_arns=(),
        policy=None,
        rule="",
        rules_version="",
        because=("the bridge ends sessions",),
    )


def _answered_at(answer: Mapping[str, Any]) -> datetime | None:
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.astimezone(UTC)


def _seconds(aws: Aws) -> float:
    return answer_time(aws).total_seconds()
