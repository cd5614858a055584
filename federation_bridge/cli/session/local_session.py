"""The person's session on this computer: one sign-in for many processes, renewed by one of them at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress

from federation_bridge.cli.context import Context
from federation_bridge.cli.failures import (
    AwsFailed,
    BridgeRefused,
    BridgeUnreachable,
    CommandFailed,
    LocalFailure,
    RoleNotHeld,
    RoleRefused,
    SignInNeeded,
)
from federation_bridge.cli.http_client import Answer
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session import waiting_login
from federation_bridge.cli.session.leftovers import forget_answers
from federation_bridge.cli.session.login import keep, sign_in, tell_expired
from federation_bridge.cli.session.question import sign_in_question
from federation_bridge.cli.session.renewal import Renewal, key_of, revoke
from federation_bridge.cli.session.token_store import StoredSession
from federation_bridge.cli.session.waiting_login import login_flight
from federation_bridge.cli.single_flight import SingleFlight
from federation_bridge.cli.waiting import Waiting
from federation_bridge.model import JsonObject

_UNAUTHORIZED = 401


class LocalSession:
    """Asks the bridge as the signed-in person. Signs them in first where nobody is, unless `context.way` is `never`."""

    def __init__(self, context: Context, asking: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        """`asking` surrounds what waits for a person: so whoever waits for another lock of ours meanwhile knows it."""
        self._context, self._asking = context, asking
        self._tokens = context.tokens()
        self._flight, self._login = session_flight(context), login_flight(context)
        self._session: StoredSession | None = None
        self._has_expired = False

    def login(self, waiting: Waiting | None = None) -> None:
        """Signs the person in anew, whoever was signed in before; `waiting`: how, where another login is under way."""
        with self._login.alone(waiting or self._context.waiting), self._login.asking():
            self._session = self._signed_in()

    def is_current(self) -> bool:
        """Whether the sign-in that this asked as is still the one that is kept here: each has a key of its own."""
        kept = self._tokens.load()
        return kept is not None and self._session is not None and kept.key == self._session.key

    def kept_key(self) -> str:
        """Names the sign-in that is kept here by a digest of its key; empty where none is, or none can be read."""
        kept = self._last()
        return hashlib.sha256(kept.key.encode()).hexdigest() if kept is not None else ""

    def get(self, path: str) -> JsonObject:
        """What `/api/v1` answers to a GET; CommandFailed for a refusal."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: JsonObject) -> JsonObject:
        """What `/api/v1` answers to a POST; CommandFailed for a refusal."""
        return self._ask("POST", path, body)

    def headers(self, method: str, path: str) -> dict[str, str]:
        """The headers with which another program may make this one call to `/api/v1`, once and within a minute."""
        return self._headers(method, path, self._live())

    def _ask(self, method: str, path: str, body: JsonObject | None) -> JsonObject:
        answer = self._send(method, path, body, self._live())
        if answer.status == _UNAUTHORIZED:
            # A proof that our clock spoiled is made again by the bridge's; any other refusal means the token.
            worn_out = None if _code(answer) == "invalid_dpop_proof" else self._session
            answer = self._send(method, path, body, self._live(worn_out))
        if not answer.is_ok:
            raise _refused(answer)
        if not answer.body:
            raise BridgeUnreachable(say("The bridge's answer was cut off or missing. Please try again."))
        return answer.body

    def _send(self, method: str, path: str, body: JsonObject | None, session: StoredSession) -> Answer:
        context = self._context
        url, headers = f"{context.address}/api/v1{path}", self._headers(method, path, session)
        return context.http.get(url, headers) if body is None else context.http.post_json(url, body, headers)

    def _headers(self, method: str, path: str, session: StoredSession) -> dict[str, str]:
        now = self._context.clock() + self._context.http.clock_offset
        url = f"{self._context.address}/api/v1{path}"
        proof = key_of(session).proof(method, url, now, session.access_token)
        return {"Authorization": f"DPoP {session.access_token}", "DPoP": proof}

    def _live(self, worn_out: StoredSession | None = None) -> StoredSession:
        """A session whose access token still serves; `worn_out` is one that the bridge no longer takes."""
        if self._session is None:
            self._session = self._tokens.load()
        if self._session is None or self._session == worn_out or self._is_over(self._session):
            self._session = self._renewed(worn_out) or self._begun(worn_out)
        return self._session

    def _renewed(self, worn_out: StoredSession | None) -> StoredSession | None:
        """Under the session's lock: what another process has renewed or begun meanwhile counts as ours."""
        with self._flight.alone(self._context.waiting):
            kept = self._tokens.load()
            if kept is not None and kept != worn_out and not self._is_over(kept):
                return kept
            if kept is None:
                return None
            renewal = Renewal(self._context, self._tokens)
            renewed = renewal.renewed(kept)
            self._has_expired = renewed is None and not renewal.is_told
            return renewed

    def _begun(self, worn_out: StoredSession | None) -> StoredSession:
        """Asks the person, or has the sign-in of a process that asked them before us."""
        with self._asking(), self._login.alone(self._context.waiting):
            if (others := self._renewed(worn_out)) is not None:
                return others
            self._login.join(sign_in_question(self._context))
            if self._has_expired:
                tell_expired(self._context)
            with self._login.asking():
                return self._signed_in()

    def _signed_in(self) -> StoredSession:
        try:
            session = self._asked()
        except SignInNeeded:
            raise
        except CommandFailed as failure:
            self._login.failed(sign_in_question(self._context), failure)
            raise
        self._login.succeeded(sign_in_question(self._context))
        return session

    def _asked(self) -> StoredSession:
        waiting_login.begin(self._context)
        session, person = sign_in(self._context)
        try:
            before = self._kept_instead_of_last(session, person)
        except BaseException:
            # It is not kept whole: it shall live on neither here nor at the bridge.
            with suppress(CommandFailed):
                if self._last() == session:
                    self._tokens.forget()
                revoke(self._context, session)
            raise
        if before is not None:
            with suppress(CommandFailed):
                revoke(self._context, before)
        return session

    def _kept_instead_of_last(self, session: StoredSession, person: str) -> StoredSession | None:
        with self._flight.alone(self._context.waiting):
            waiting_login.check_not_ended(self._context)
            before = self._last()
            # Whether they can be forgotten is known before anything is kept; those that come meanwhile go afterwards.
            forget_answers(self._context)
            keep(self._context, session, person)
            # Whoever signed in may be somebody else: nothing of the last sign-in may answer for this one.
            forget_answers(self._context)
        return before

    def _last(self) -> StoredSession | None:
        try:
            return self._tokens.load()
        except LocalFailure:
            return None

    def _is_over(self, session: StoredSession) -> bool:
        return self._context.clock().timestamp() >= session.access_ends_at


def session_flight(context: Context) -> SingleFlight:
    """The lock under which the session is kept, renewed and ended. Nobody waits for a person under it."""
    return SingleFlight(context.folder / "session.lock", context.clock)


def _code(answer: Answer) -> str:
    told = answer.body.get("error")
    return str(told.get("code", "")) if isinstance(told, dict) else ""


def _refused(answer: Answer) -> CommandFailed:
    """The failure that the API's one error shape tells."""
    told = answer.body.get("error")
    error = told if isinstance(told, dict) else {}
    code, message = str(error.get("code", "")), str(error.get("message", ""))[:300]
    reference = str(error.get("reference", ""))[:40]
    kinds = {
        "role_not_granted": RoleNotHeld,
        "role_withheld": RoleRefused,
        "aws_refused": AwsFailed,
        "outside_aws_limits": AwsFailed,
        "aws_answer_unusable": AwsFailed,
        "aws_unreachable": AwsFailed,
        "aws_busy": AwsFailed,
    }
    kinds["not_signed_in"] = kinds["sign_in_again"] = kinds["ended_meanwhile"] = SignInNeeded
    if code == "sign_in_again":
        message = str(say("{what} Run `fedbridge login`.", what=message if message.endswith(".") else f"{message}."))
    if code == "role_not_granted":
        message = say("You do not have this role.")
    sentence = message or say("The bridge answered with status {status}.", status=answer.status)
    shown = say("{what} (reference {reference})", what=sentence, reference=reference) if reference else sentence
    return kinds.get(code, BridgeRefused)(str(shown))
