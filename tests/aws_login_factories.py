"""`aws login` as the bridge sees it: a code for one role, and purchases at an AWS that answers as a test wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from oauth_factories import VERIFIER, Program, challenge
from web_factories import ACCOUNT, BASE

from federation_bridge.aws.redeemed import Redeemed
from federation_bridge.aws.sts import StsClients
from federation_bridge.aws_clients.sign_in import CROSS_DEVICE, SAME_DEVICE
from federation_bridge.model import AwsCredentials, Grant

ROLE = f"{ACCOUNT}/Administrator"
CALLBACK = "http://127.0.0.1:49152/oauth/callback"
CONFIRMATION = f"{BASE}/v1/sessions/confirmation"
_TOKEN = "/v1/token"


@dataclass
class Aws:
    """An STS that counts its sales; `before` runs ahead of each answer, and may raise what AWS would."""

    clock: Any
    sold: int = 0
    before: Callable[[], None] = field(default=lambda: None)
    behind: timedelta = timedelta(0)
    """How far its clock is behind the bridge's."""

    def redeem(self, grant: Grant, _: Any) -> Redeemed:
        self.before()
        self.sold += 1
        found = AwsCredentials(
            access_key_id=f"ASIA{self.sold:016}",
            secret_access_key="secret",
            session_token="session",
            expires_at=self.clock() + timedelta(minutes=15),
            account_id=grant.account.id,
            role=grant.role,
            region="us-east-1",
            assumed_role_arn=f"arn:aws:sts::{grant.account.id}:assumed-role/{grant.role}/ada",
        )
        return Redeemed(found, "request", "us-east-1", found.expires_at, issued_at=self.clock() - self.behind)


def stand_in(monkeypatch: pytest.MonkeyPatch, clock: Any) -> Aws:
    aws = Aws(clock)
    monkeypatch.setattr(StsClients, "redeem", lambda _, grant, statement: aws.redeem(grant, statement))
    return aws


@dataclass
class AwsLogin:
    """The AWS CLI on the person's machine, or with `remote` on any other."""

    program: Program
    remote: bool = False

    @property
    def client_id(self) -> str:
        return CROSS_DEVICE if self.remote else SAME_DEVICE

    @property
    def redirect(self) -> str:
        return CONFIRMATION if self.remote else CALLBACK

    def fields(self) -> dict[str, str]:
        return {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect,
            "state": "s",
            "scope": "openid",
            "code_challenge": challenge(),
            "code_challenge_method": "SHA-256",
        }

    def look(self) -> Any:
        return self.program.person.client.get("/v1/authorize", base_url=BASE, query_string=self.fields())

    def pick(self, role: str = ROLE, **more: Any) -> Any:
        return self.program.person.post("/v1/authorize", {**self.fields(), "role": role}, **more)

    def code(self) -> str:
        answer = self.pick()
        assert answer.status_code == 303, answer.text
        return parse_qs(urlsplit(answer.location).query)["code"][0]

    def ask(self, **body: str) -> Any:
        return self.program.client.post(
            _TOKEN,
            base_url=BASE,
            json={"clientId": self.client_id, **body},
            headers={"DPoP": self.program.proof("POST", _TOKEN), "User-Agent": "aws-cli/2.38.5 os/linux#6.1"},
            environ_base={"REMOTE_ADDR": self.program.address},
        )

    def redeem(self, code: str) -> Any:
        given = {"code": code, "codeVerifier": VERIFIER, "redirectUri": self.redirect}
        return self.ask(grantType="authorization_code", **given)

    def renew(self, refresh_token: str) -> Any:
        return self.ask(grantType="refresh_token", refreshToken=refresh_token)


def refusal(answer: Any) -> tuple[int, str, str]:
    """What the client looks at."""
    return answer.status_code, answer.headers["x-amzn-ErrorType"], answer.get_json()["error"]
