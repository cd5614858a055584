"""Renewing the session: a refresh token works once, so an answer that nobody keeps costs the session (ADR 6).

Before the bridge is asked, a mark with the token's digest is written. Whoever finds the mark of the token that is still
stored knows that the one before was cut off: killed, or without power or network. For some seconds the token may be
used again without harm. Later that would look like a theft to the bridge, so the session is given up instead, openly.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

from federation_bridge.cli.context import Context
from federation_bridge.cli.failures import AnswerLost, BridgeUnreachable, CommandFailed, LoginRefused, SignInNeeded
from federation_bridge.cli.files import read_private, write_private
from federation_bridge.cli.http_client import Answer
from federation_bridge.cli.i18n import say
from federation_bridge.cli.session.authorization import (
    Endpoints,
    ask_for_tokens,
    discover,
    refusal,
    stored_session,
)
from federation_bridge.cli.session.dpop import DpopKey
from federation_bridge.cli.session.leftovers import forget_answers
from federation_bridge.cli.session.token_store import StoredSession, TokenStore

T = TypeVar("T")
_HARMLESS_SECONDS = 8
"""How soon after its first use a refresh token may be used again: the bridge ends nothing within ten (ADR 6)."""
_SERVER_ERROR = 500


class Renewal:
    """The renewals of one session; used under the session's lock."""

    def __init__(self, context: Context, tokens: TokenStore) -> None:
        self._context, self._tokens = context, tokens
        self._mark = context.folder / "session.renewing"
        self.is_told = False
        """Whether the person has been told why the session is over."""

    def renewed(self, session: StoredSession) -> StoredSession | None:
        """The session after one use of its refresh token, kept; None where it has ended or was given up.

        Raises:
            CommandFailed: no answer, or a refusal that does not end the session, or one that no sign-in would mend.
        """
        if self._is_in_doubt(session):
            self._give_up(session)
            return None
        endpoints = discover(self._context)
        return carried_through(lambda: self._kept(session, endpoints))

    def _kept(self, session: StoredSession, endpoints: Endpoints) -> StoredSession | None:
        answer, again = self._answer(session, endpoints)
        if answer.text("error") == "invalid_grant":
            self._check_not_ended(answer)
            if again:
                self._give_up(session)
            self._tokens.forget()
            return None
        if not answer.is_ok:
            self._mark.unlink(missing_ok=True)
            raise refusal(answer)
        renewed = stored_session(self._context, key_of(session), answer)
        self._tokens.save(renewed)
        return renewed

    def _check_not_ended(self, answer: Answer) -> None:
        """Tells that somebody ended the session; LoginRefused where its person is blocked.

        What is kept stays then: the next command hears the same, and begins no sign-in that would be refused.
        """
        code = answer.text("code")
        if code not in ("access_blocked", "access_ended"):
            return
        forget_answers(self._context)
        if code == "access_blocked":
            raise LoginRefused(
                say(
                    "Your access is blocked for now, by an administrator or by your company. Signing in again does not "
                    "help until that is lifted: please ask your administrator."
                )
            )
        self._context.terminal.tell(say("Your access was ended by an administrator or by your company."))
        self.is_told = True

    def _answer(self, session: StoredSession, endpoints: Endpoints) -> tuple[Answer, bool]:
        """The answer, and whether the token may have been used before this question."""
        again = not self._write_mark(session)
        try:
            return self._asked(session, endpoints), again
        except AnswerLost:
            if self._is_in_doubt(session):
                raise
        except BridgeUnreachable:
            if not again:
                self._mark.unlink(missing_ok=True)
            raise
        return self._asked(session, endpoints), True

    def _asked(self, session: StoredSession, endpoints: Endpoints) -> Answer:
        fields = {"grant_type": "refresh_token", "refresh_token": session.refresh_token}
        answer = ask_for_tokens(self._context, endpoints, key_of(session), fields)
        cut = answer.is_ok and not answer.body
        if cut or (answer.status >= _SERVER_ERROR and not answer.text("error")):
            # A gateway's own error, or half an answer: the bridge may have used the token up all the same.
            raise AnswerLost(say("The bridge answered with status {status}.", status=answer.status))
        return answer

    # ------------------------------------------------------------------------------------------------------- the mark

    def _write_mark(self, session: StoredSession) -> bool:
        """Whether the mark is new. An older one of the same token stays: the first use is what counts."""
        if self._asked_at(session) is not None:
            return False
        mark = {"token": _digest(session), "asked_at": self._context.clock().timestamp()}
        write_private(self._mark, json.dumps(mark).encode())
        return True

    def _asked_at(self, session: StoredSession) -> float | None:
        try:
            mark = json.loads(read_private(self._mark) or b"")
            return float(mark["asked_at"]) if mark["token"] == _digest(session) else None
        except (ValueError, TypeError, KeyError):
            return None

    def _is_in_doubt(self, session: StoredSession) -> bool:
        asked_at = self._asked_at(session)
        return asked_at is not None and not 0 <= self._context.clock().timestamp() - asked_at < _HARMLESS_SECONDS

    def _give_up(self, session: StoredSession) -> None:
        """Forgets the session, and lets the bridge end what nobody holds (RFC 7009 takes a used token too)."""
        self._context.terminal.tell(
            say("The last renewal of your session was interrupted, and its answer was lost. You have to sign in again.")
        )
        self.is_told = True
        self._tokens.forget()
        with suppress(CommandFailed):
            revoke(self._context, session)


def revoke(context: Context, session: StoredSession) -> None:
    """Ends the session at the bridge (RFC 7009); CommandFailed where the bridge cannot be told."""
    fields = {
        "client_id": context.client["client_id"],
        "token": session.refresh_token,
        "token_type_hint": "refresh_token",
    }
    context.http.post_form(discover(context).revocation, fields)


def key_of(session: StoredSession) -> DpopKey:
    """The session's key; SignInNeeded where what was stored is none."""
    try:
        return DpopKey.from_text(session.key)
    except ValueError as broken:
        raise SignInNeeded(say("Your session is damaged. Please run: fedbridge login")) from broken


def carried_through(step: Callable[[], T]) -> T:
    """What the step gives or raises. Ctrl-C and SIGTERM wait until it is done; a second one does not."""
    outcome: Future[T] = Future()

    def work() -> None:
        try:
            outcome.set_result(step())
        except BaseException as failure:
            outcome.set_exception(failure)

    # Not a daemon: the interpreter's own end waits for it too, when the main thread ends beside an endpoint's thread.
    worker = threading.Thread(target=work)
    worker.start()
    try:
        return outcome.result()
    finally:
        worker.join()


def _digest(session: StoredSession) -> str:
    return hashlib.sha256(session.refresh_token.encode()).hexdigest()
