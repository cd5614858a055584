"""The parts of the AWS side together, against a local AWS that refuses what AWS refuses: what we publish is taken, what
we sign is redeemed under the trust policy that we make, and a statement for one role opens no other.
"""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aws_factories import ENTITY_ID, ISSUER, grant, key_ring, signing_key
from local_aws_factories import ACCOUNT, ServedAws, served
from threaded_server import serving

from federation_bridge.aws import assertion, id_token, issuer, trust_policies
from federation_bridge.aws.redeemed import Redeemed
from federation_bridge.aws.statement import Statement
from federation_bridge.aws.sts import StsClients
from federation_bridge.errors import AwsRefused
from federation_bridge.model import REDEEMABLE, Account, Grant, Role
from federation_bridge.sandbox.aws import provisioning
from federation_bridge.settings import Aws, Outgoing
from federation_bridge.signing import Purpose

PROVIDERS = {"saml": "saml-provider/OurBridge", "oidc": "oidc-provider/bridge.example.com"}
TERMS: dict[str, Any] = {
    "tags": {"Team": "data", "Cost Center": "987654"},
    "transitive_tags": ("Team",),
    "duration": timedelta(hours=2),
}


def registered(road: str) -> Account:
    roles = {"Admin": Role("Admin", max_session=timedelta(hours=4)), "Audit": Role("Audit")}
    return Account(ACCOUNT, "Production", "aws", f"arn:aws:iam::{ACCOUNT}:{PROVIDERS[road]}", "us-east-1", roles)


@contextmanager
def published() -> Iterator[str]:
    """Our discovery document and JWKS on loopback."""
    documents = {
        "/.well-known/openid-configuration": issuer.openid_configuration(ISSUER),
        "/.well-known/jwks.json": issuer.jwks(key_ring()),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(documents[self.path]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}"


@pytest.fixture(scope="module", params=["aws", "paranoid"])
def served_aws(request: pytest.FixtureRequest) -> Iterator[ServedAws]:
    """An account that trusts us on both roads, set up as docs/aws.md says; `paranoid` refuses what AWS ignores too."""
    with published() as address, served(mode=request.param, issuers={ISSUER: address}) as local:
        state, account = local.local.state, local.account
        metadata = issuer.saml_metadata(key_ring(), ENTITY_ID, "https://bridge.example.com")
        provisioning.put_saml_provider(state, account, "OurBridge", metadata)
        provisioning.put_oidc_provider(state, account, ISSUER, (id_token.AUDIENCE,))
        yield local
    gc.collect()


def trusted(served_aws: ServedAws, made: Grant) -> None:
    """Gives both roles the trust policies that we make for this road."""
    for name in ("Admin", "Audit"):
        policy = trust_policies.for_role(made.account, name, entity_id=ENTITY_ID, issuer=ISSUER)
        served_aws.account.roles.pop(name, None)
        served_aws.put_role(name, policy, max_session=timedelta(hours=4))


def signed(made: Grant, now: datetime) -> Statement:
    made = replace(made, decided_at=now)  # an assertion names the session's end, counted from the decision
    if made.account.road == "saml":
        return assertion.build(made, key=signing_key(), issuer_entity_id=ENTITY_ID, now=now)
    return id_token.build(made, key=signing_key(Purpose.AWS_OIDC), issuer=ISSUER, now=now)


def redeemed(served_aws: ServedAws, made: Grant, statement: Statement) -> Redeemed:
    sts = StsClients(Aws(local_endpoint=served_aws.address), Outgoing(), sleep=lambda _: None, clock=served_aws.clock)
    return sts.redeem(replace(made, decided_at=served_aws.clock()), statement)


@pytest.fixture(params=["saml", "oidc"])
def ours(request: pytest.FixtureRequest, served_aws: ServedAws) -> Grant:
    made = grant(request.param, account=registered(request.param), id=f"_{request.node.name.encode().hex()[:60]}")
    trusted(served_aws, made)
    return made


def test_a_grant_with_all_its_terms_is_redeemed_for_exactly_its_length(served_aws: ServedAws, ours: Grant) -> None:
    made = replace(ours, id=f"{ours.id}a", **TERMS)
    credentials = redeemed(served_aws, made, signed(made, served_aws.clock())).credentials
    assert credentials.expires_at == served_aws.clock() + timedelta(hours=2)
    assert credentials.assumed_role_arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/alice@example.com"


def test_a_statement_for_one_role_opens_no_other(served_aws: ServedAws, ours: Grant) -> None:
    made = replace(ours, id=f"{ours.id}b", role="Audit")
    statement = signed(made, served_aws.clock())
    with pytest.raises(AwsRefused, match="likely"):
        redeemed(served_aws, replace(made, role="Admin"), statement)
    twin = replace(made, id=f"{made.id}e")
    assert redeemed(served_aws, twin, signed(twin, served_aws.clock())).credentials.role == "Audit"


def test_a_statement_of_another_issuer_is_not_believed(served_aws: ServedAws, ours: Grant) -> None:
    made = replace(ours, id=f"{ours.id}c")
    other = (
        assertion.build(made, key=signing_key(), issuer_entity_id="https://other.example.com", now=served_aws.clock())
        if made.account.road == "saml"
        else id_token.build(made, key=signing_key(), issuer=ISSUER, now=served_aws.clock())
    )
    with pytest.raises(AwsRefused, match="InvalidIdentityToken"):
        redeemed(served_aws, made, other)


def test_a_statement_past_its_life_is_refused_in_words(served_aws: ServedAws, ours: Grant) -> None:
    made = replace(ours, id=f"{ours.id}d")
    old = signed(made, served_aws.clock() - timedelta(minutes=11))
    with pytest.raises(AwsRefused, match=r"ExpiredToken.*clock"):
        redeemed(served_aws, made, old)


def test_the_holder_of_an_assertion_cannot_stretch_the_session(served_aws: ServedAws) -> None:
    made = grant(account=registered("saml"), id="_stretched", duration=timedelta(minutes=15))
    trusted(served_aws, made)
    longer = redeemed(served_aws, replace(made, duration=timedelta(hours=4)), signed(made, served_aws.clock()))
    assert longer.credentials.expires_at <= served_aws.clock() + timedelta(minutes=15)


# ------------------------------------------------------------------ a token in its holder's own hands (ADR 0008)


@pytest.fixture
def in_hand(request: pytest.FixtureRequest, served_aws: ServedAws) -> Grant:
    """A grant whose token may leave: its role has the trust policy that pins the session name, and four hours."""
    of = registered("oidc")
    roles = {
        name: replace(role, max_session=timedelta(hours=4), web_identity_file=True) for name, role in of.roles.items()
    }
    made = grant(
        "oidc",
        account=replace(of, roles=roles),
        id=f"_{hashlib.sha256(request.node.name.encode()).hexdigest()[:40]}",
        duration=timedelta(hours=4),
        tags={"Team": "data"},
    )
    trusted(served_aws, made)
    return made


def test_a_token_in_hand_is_redeemed_under_the_name_that_it_states(served_aws: ServedAws, in_hand: Grant) -> None:
    assert in_hand.is_enforced_by_statement
    found = redeemed(served_aws, in_hand, signed(in_hand, served_aws.clock())).credentials
    assert found.expires_at == served_aws.clock() + timedelta(hours=4)
    assert found.assumed_role_arn.endswith("/Admin/alice@example.com")


HOLDERS = [
    ("another name", {"session_name": "bob@example.com"}, "AccessDenied"),
    ("a name that the pin would match as a pattern", {"session_name": "alice@example.co"}, "AccessDenied"),
    ("another role", {"role": "Audit"}, "AccessDenied"),
    ("a longer session", {"duration": timedelta(hours=4, seconds=1)}, "MaxSessionDuration"),
]


@pytest.mark.parametrize(("name", "asked", "answer"), HOLDERS, ids=[case[0] for case in HOLDERS])
def test_the_holder_of_a_token_gets_nothing_that_was_not_granted(
    served_aws: ServedAws, in_hand: Grant, name: str, asked: dict[str, Any], answer: str
) -> None:
    statement = signed(in_hand, served_aws.clock())
    with pytest.raises(AwsRefused, match=answer):
        redeemed(served_aws, replace(in_hand, **asked), statement)
    twin = replace(in_hand, id=f"{in_hand.id}t")
    assert redeemed(served_aws, twin, signed(twin, served_aws.clock())).credentials.role == "Admin", name


def test_without_the_pin_the_holder_could_take_another_name(served_aws: ServedAws, in_hand: Grant) -> None:
    """Why the register's word is needed: the ordinary trust policy does not look at the name."""
    unpinned = replace(in_hand, account=registered("oidc"))
    trusted(served_aws, unpinned)
    renamed = redeemed(
        served_aws, replace(unpinned, session_name="bob@example.com"), signed(in_hand, served_aws.clock())
    )
    assert renamed.credentials.assumed_role_arn.endswith("/bob@example.com")


def test_a_token_past_its_tolerance_buys_nothing(served_aws: ServedAws, in_hand: Grant) -> None:
    with pytest.raises(AwsRefused, match="ExpiredToken"):
        redeemed(served_aws, in_hand, signed(in_hand, served_aws.clock() - REDEEMABLE))
    last = replace(in_hand, id=f"{in_hand.id}l")
    signed_long_ago = signed(last, served_aws.clock() - REDEEMABLE + timedelta(seconds=1))
    assert redeemed(served_aws, last, signed_long_ago).credentials.role == "Admin"
