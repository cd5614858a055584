"""A bridge's side and an AWS account, in which live sessions really end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from aws_factories import ENTITY_ID, ISSUER, grant, key_ring, signing_key
from local_aws_factories import ACCOUNT, ServedAws, allow, policy, served

from federation_bridge.aws import assertion, issuer, revocations, trust_policies
from federation_bridge.aws.calls import AwsCalls
from federation_bridge.aws.iam_clients import IamClients
from federation_bridge.aws.revoker import SUBJECT, Revoker
from federation_bridge.aws.revoking_permissions import permissions_on
from federation_bridge.aws.sts import StsClients
from federation_bridge.aws_endings.asking import EndingsInAws
from federation_bridge.aws_endings.obeying import RevocationErrand
from federation_bridge.ending import Endings
from federation_bridge.errands import Errands
from federation_bridge.model import Account, AwsCredentials, Cause, Grant, LiveGrant, Revocation, Role
from federation_bridge.sandbox.aws import provisioning
from federation_bridge.settings import Aws, Outgoing
from federation_bridge.store import Store
from federation_bridge.store.revocations import ERRAND

CAUSE = Cause("administrator", "corp/ada", "left the company")
REVOKER, POLICY = "federation-bridge-revoker", "federation-bridge-revocations"
POLICY_ARN = f"arn:aws:iam::{ACCOUNT}:policy/{POLICY}"
ROLES = ("Admin", "Reader")


def registered(*roles: str) -> Account:
    provider = f"arn:aws:iam::{ACCOUNT}:saml-provider/OurBridge"
    return Account(ACCOUNT, "Production", "aws", provider, "us-east-1", {name: Role(name) for name in roles or ROLES})


@dataclass
class RevokingBridge:
    """The parts of a bridge that end sessions, over a store and an account."""

    aws: ServedAws
    store: Store
    accounts: dict[str, Account] = field(default_factory=lambda: {ACCOUNT: registered()})
    settled: list[Revocation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = Aws(local_endpoint=self.aws.address)
        self.endings = Endings(self.store, self.aws.clock, self.asking())

    def only(self) -> Revocation:
        """The one revocation that there is."""
        [found] = self.store.revocations.newest(9)
        return found

    @property
    def rulebook(self) -> Any:
        register = SimpleNamespace(accounts=self.accounts)
        return SimpleNamespace(current=lambda: SimpleNamespace(register=register))

    def asking(self) -> EndingsInAws:
        count = iter(range(10_000))
        return EndingsInAws(
            self.store, lambda: self.accounts, timedelta(seconds=13), self.aws.clock, lambda _: b"%d" % next(count)
        )

    def sts(self) -> StsClients:
        return StsClients(self.settings, Outgoing(), AwsCalls(2), sleep=lambda _: None, clock=self.aws.clock)

    def act(self) -> RevocationErrand:
        clock = self.aws.clock
        revoker = Revoker(
            self.settings,
            self.sts(),
            IamClients(self.settings, Outgoing()),
            AwsCalls(2),
            lambda made: assertion.build(made, key=signing_key(), issuer_entity_id=ENTITY_ID, now=clock()),
            clock,
            bytes,
        )
        return RevocationErrand(self.store, self.rulebook, revoker, clock, timedelta(seconds=13), self.settled.append)

    def errands(self, holder: str = "node") -> Errands:
        return Errands(self.store.errands, {ERRAND: self.act()}, holder, jitter=lambda longest: longest)

    def work(self) -> int:
        """One round of what is due."""
        return self.errands().do_due()

    def sold(self, person: str, role: str = "Admin", **changes: Any) -> AwsCredentials:
        """A grant as the bridge makes it: in the ledger, redeemed, its key noted."""
        now, name = self.aws.clock(), person.replace("/", "-")
        made: Grant = grant(
            person=person,
            role=role,
            decided_at=now,
            **{
                "account": registered(),
                "id": "_" + f"{person}-{role}-{now.timestamp():.0f}".encode().hex(),
                "session_name": name,
                "source_identity": name,
                **changes,
            },
        )
        live = LiveGrant.of(made, ends_at=now + made.duration, is_handed_over=False)
        assert self.store.session_names.claim(made.session_name, person, live=live)
        statement = assertion.build(made, key=signing_key(), issuer_entity_id=ENTITY_ID, now=now)
        credentials = self.sts().redeem(made, statement).credentials
        with self.store.audit.writing() as writing:
            del writing
        return credentials

    def end(self, person: str) -> Any:
        return self.endings.end_person(person, CAUSE, in_aws=True)

    def is_denied(self, credentials: AwsCredentials) -> bool:
        s3 = self.aws.client("s3", boto_form(credentials))
        try:
            s3.list_objects_v2(Bucket="reports")
        except s3.exceptions.ClientError as refused:
            assert refused.response["Error"]["Code"] == "AccessDenied"
            return True
        return False

    def root(self) -> Any:
        return root_of(self.aws)

    def policy(self) -> dict[str, Any]:
        """The revocation policy as it stands."""
        iam = self.root()
        version = iam.get_policy(PolicyArn=POLICY_ARN)["Policy"]["DefaultVersionId"]
        found: dict[str, Any] = iam.get_policy_version(PolicyArn=POLICY_ARN, VersionId=version)
        document: dict[str, Any] = found["PolicyVersion"]["Document"]
        return document

    def states(self) -> list[str]:
        return [str(one.state) for one in self.store.revocations.newest(999)]


def root_of(aws: ServedAws) -> Any:
    """IAM, as the account's owner."""
    key = provisioning.put_access_key(aws.local.state, aws.account)
    return aws.client("iam", {"AccessKeyId": key.id, "SecretAccessKey": key.secret})


def boto_form(credentials: AwsCredentials) -> dict[str, str]:
    return {
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "SessionToken": credentials.session_token,
    }


@contextmanager
def onboarded() -> Iterator[ServedAws]:
    """An account set up as docs/revocation.md says: the policy, the revoking role, and roles within the boundary."""
    with served() as aws:
        state, account = aws.local.state, aws.account
        metadata = issuer.saml_metadata(key_ring(), ENTITY_ID, "https://bridge.example.com")
        provisioning.put_saml_provider(state, account, "OurBridge", metadata)
        provisioning.put_policy(state, account, POLICY, revocations.first_policy())
        names = {"entity_id": ENTITY_ID, "issuer": ISSUER}
        account.roles.pop("Reader")
        for role in ROLES:
            aws.put_role(
                role,
                trust_policies.for_role(registered(), role, **names),
                permissions={"s3": policy(allow("s3:*", "sts:*"))},
                max_session=timedelta(hours=4),
                boundary=POLICY_ARN,
            )
        trust = trust_policies.for_revoker(registered(), REVOKER, SUBJECT, **names)
        aws.put_role(REVOKER, trust, permissions={"own": permissions_on(POLICY_ARN)})
        yield replace(aws, role=account.roles["Reader"])
