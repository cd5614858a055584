"""What may go wrong, in one place: a code, an HTTP status, one fixed sentence for the public, a private detail.

The detail goes to the log and the audit under a reference number, never to the page. A library's own exceptions are
translated in the module that calls the library.

More than 300 lines, because it is read as one list: each new "no" stands beside its kind (docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from traceback import walk_tb
from typing import Self


class BridgeError(Exception):
    """Any refusal of ours. `detail` is private; `public` is the same sentence for every cause of the code."""

    code = "internal"
    status = 500
    public = "Something went wrong on our side."
    retry_after: int | None = None
    is_recorded = False
    """Whether its reason stands in the audit already, under the reference of the request that met it."""
    is_unissued = False
    """Whether it is certain that AWS issued nothing for the grant that came to this."""
    is_progress = False
    """Whether it only tells a program to ask again: no person sees it, so it shows no reference and leaves no row."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.public)
        self.detail = detail or self.public


class BadRequest(BridgeError):
    """The request itself is malformed."""

    code, status, public = "bad_request", 400, "This request could not be understood."


class LengthUnreadable(BadRequest):
    """The length of a session is written in no way that we read: what helps is the person's own to do."""

    public = "A length of time is written like 30m, 1h or 1h30m."


class NoConsolePage(BadRequest):
    """An address that is no page of the console of the account's partition (attack L05)."""

    public = "This address is no page of the account's AWS console. Please copy it from the console itself."


class FavouritesFull(BadRequest):
    """A person keeps as many roles on top as one person may."""

    public = "You keep 100 roles on top already. Take one away first."


class LengthNotIssued(BadRequest):
    """A session of a length that AWS issues for no role (STS API, DurationSeconds)."""

    public = "A session lasts between 15m and 12h. Please ask for a length in between."


class ChangedMeanwhile(BadRequest):
    """A change of the rulebook over a version that is not in force any more; the detail names the one that is."""

    code, status = "changed_meanwhile", 409
    public = "Somebody else has changed this meanwhile. Please look at it again."


class RulebookInvalid(BadRequest):
    """A proposed text of the rulebook that does not parse, with every mistake and its place."""

    code = "rulebook_invalid"

    def __init__(self, detail: str = "", mistakes: tuple[str, ...] = ()) -> None:
        """`mistakes`: each with its place, in the order in which people read. `detail`: all of them, told shorter."""
        super().__init__(detail)
        self.mistakes = mistakes


class MethodNotAllowed(BridgeError):
    """The address is there, but answers to other methods."""

    code, status, public = "method_not_allowed", 405, "This address does not answer to that method."

    def __init__(self, detail: str = "", allowed: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.allowed = allowed
        """The methods that would be right."""


class MessageTooLarge(BridgeError):
    """More bytes than any honest sender needs."""

    code, status, public = "too_large", 413, "This request is too large."


class NotSignedIn(BridgeError):
    """No live session."""

    code, status, public = "not_signed_in", 401, "Please sign in first."


class EndedMeanwhile(NotSignedIn):
    """The person was put out while AWS, or we, were at work: nothing is handed over."""

    code = "ended_meanwhile"
    public = "Your access ended while this was under way, so nothing was handed to you."


class TooOldToAdminister(NotSignedIn):
    """The session lives, but its sign-in lacks what administration asks of it: a recent one, or the second factor."""


class SignInDue(NotSignedIn):
    """The session lives, and its provider has to be asked again by a sign-in: `key` and `connection` say which."""

    def __init__(self, detail: str = "", key: str = "", connection: str = "") -> None:
        super().__init__(detail)
        self.key, self.connection = key, connection


class SignInRejected(BridgeError):
    """The identity provider's answer was not believed. One sentence for every reason (attack catalogue, preface)."""

    code, status, public = "sign_in_rejected", 403, "We could not sign you in."
    is_believed = False
    """Whether a message was refused whose signature held: it is somebody's, and the refusal stays in the audit."""
    is_over = False
    """Whether the sign-in or the message was used before or has run out. Back, a reload, a second press and an old tab
    bring that about too, so somebody whose session lives is led on instead of told of it."""
    return_to = "/"
    """Where that sign-in wanted to go, where it is still known."""
    whose = ""
    """The person whom the message names, where it was believed once."""


class VerifiersDisagree(SignInRejected):
    """Our own verifier accepts the message and the second opinion does not: refused, and audited as just that."""


class SignInExpired(SignInRejected):
    """The sign-in is unknown here: used, too old, of another browser, or never begun."""

    code, public = "sign_in_expired", "This sign-in is no longer valid. Please start again."


class UnknownSigner(SignInRejected):
    """The signature was made by none of the keys that we know: a forgery, or a key that is newer than our documents."""


class SignInOver(SignInExpired):
    """The sign-in was used, has run out, or is held by this browser no longer."""

    is_over = True

    def __init__(self, detail: str = "", return_to: str = "/") -> None:
        super().__init__(detail)
        self.return_to = return_to


class InteractionRequired(SignInRejected):
    """The provider was asked to show the person nothing, and says that it has to."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.handle, self.previous = "", ""
        """Of the silent sign-in, and of the session with which the browser left; "" where none was silent: then it is
        a refusal like any other, and nobody is led anywhere."""


class MessageReplayed(SignInRejected):
    """The message was believed once already."""

    is_over = True


class GrantEnded(SignInRejected):
    """The provider was asked again, and says that what it had granted is good no more."""


class EndingRejected(BridgeError):
    """A message that says that something has ended was not believed. One sentence for every reason."""

    code, status, public = "ending_rejected", 400, "This message could not be verified, so no session was ended."


class Blocked(SignInRejected):
    """The provider was believed, and the person is blocked here: they are told so, and not by whom or why."""

    code = "blocked"
    public = "Your access is blocked for now. Please ask your administrator, and tell them the reference."


class NotYetConfirmed(Blocked):
    """The database was put back to an older state, and no administrator has looked yet: nobody comes in."""

    code, status = "not_yet_confirmed", 503
    public = (
        "This service was restored from a backup. Nobody can sign in until an administrator has checked it. Please "
        "try again later, or tell your administrator the reference."
    )


class SignalUnauthenticated(BridgeError):
    """A shared signal without the token of its stream."""

    code, status, public = "signal_unauthenticated", 401, "This sender is not known here."


class TooManySignIns(SignInRejected):
    """The provider was believed, and the person has begun as many sessions as one person may in ten minutes."""

    code, status = "too_many_sign_ins", 429
    public = "You have signed in very often. Please wait ten minutes."
    retry_after = 600


class Unforeseen(SignInRejected):
    """An answer brought about what no code foresaw: refused like any other. Its cause is what was raised."""


class NotAuthenticatedAsAsked(SignInRejected):
    """The identity provider was asked to authenticate the person anew, or by a method, and its answer does not say so.

    Whoever asked is not led there again by itself: a provider that does not do it now will not do it next time either.
    """

    code = "not_authenticated_as_asked"
    public = (
        "Your company's sign-in did not do what we requested: to ask you to sign in anew, or to ask for the second"
        " factor that is needed here. Trying again may not help: tell your administrator the reference."
    )


class SignInDeclined(SignInRejected):
    """The provider says that the person cancelled there, did not authenticate, or was refused, without saying which."""

    code = "sign_in_declined"
    public = (
        "The sign-in was not completed at your company. Please start again; if you did not cancel it, tell your"
        " administrator the reference."
    )


class NotAssigned(SignInRejected):
    """The provider knows the person, and does not let them into this application."""

    code = "not_assigned"
    public = (
        "Your company account has no access to this service. Please ask your administrator for it, and tell them the"
        " reference."
    )


class StateLost(SignInExpired):
    """The answer came without what we sent along (RelayState, `state`): which sign-in it is about cannot be known."""

    code = "state_lost"
    public = (
        "The company sign-in sent you back without telling us which sign-in it was. Please start again on our page;"
        " if that happens each time, tell your administrator the reference."
    )


class Unsolicited(StateLost):
    """The answer is to no request at all: the sign-in began at the identity provider, and that is not allowed here."""

    code = "unsolicited"
    public = "This sign-in began on another page. Here it has to begin on our own page: please start again."


class OtherConnection(SignInExpired):
    """The sign-in that pends in this browser is of another connection than the one at whose address the answer came."""

    code = "other_connection"
    public = (
        "The answer of the company sign-in came to an address that is not its own. Please start again; if that happens"
        " each time, tell your administrator the reference."
    )


class UnknownDomain(BadRequest):
    """No connection signs in people whose e-mail address has this domain."""

    code = "unknown_domain"
    public = "No company sign-in is set up for that e-mail address. Please pick one below."


class CrossSiteRequest(BridgeError):
    """A form without our token, or sent by another site."""

    code, status, public = "cross_site", 403, "Please use the buttons on our own pages."


class StaleForm(CrossSiteRequest):
    """A form whose token is missing, or was made for another session: our page may have been open for too long."""


class PressOver(BadRequest):
    """What a person pressed before a sign-in on the way is not there any more, or of another browser."""

    code, public = "press_over", "What you pressed is no longer kept. Please press it once more."


class PressOfAnother(BridgeError):
    """A press on a page of somebody else: nothing of it goes on for whoever is signed in now."""

    code, status = "press_of_another", 403
    public = "That page belonged to another person than the one who is signed in now. Nothing was done."


class RoleNotGranted(BridgeError):
    """No rule gives this person this role now. The same answer whether or not the role exists."""

    code, status, public = "role_not_granted", 403, "You do not have this role."


class RoleWithheld(RoleNotGranted):
    """A rule names this role for this person, but cannot grant it as it demands.

    A `public` of its own repeats the sentence that the person's own page says of the rule.
    """

    code, public = "role_withheld", "A rule names this role for you, but cannot grant it now."

    def __init__(self, detail: str = "", public: str = "") -> None:
        super().__init__(detail)
        self.public = public or self.public


class SignInAgain(RoleWithheld):
    """The role would be granted after another sign-in: a recent one, one by another method, or one that lasts longer.

    `is_over`: nothing but its end stands against the present sign-in, so any other one will do.
    """

    code, public = "sign_in_again", "This role asks you to sign in again."

    def __init__(self, detail: str = "", public: str = "", *, is_over: bool = False) -> None:
        super().__init__(detail, public)
        self.is_over = is_over


class NotHandedOver(BridgeError):
    """The statement would not bind its holder to the whole grant, or the operator hands none out."""

    code, status = "not_handed_over", 403
    public = "This role is not available as a web identity token. You can get its credentials in every other way."


class NotFound(BridgeError):
    """No such page or thing."""

    code, status, public = "not_found", 404, "There is nothing at this address."


class ScimRefused(BridgeError):
    """A SCIM client asked for what cannot be (RFC 7644 3.12). Whoever has the token is told the detail as well."""

    code, status, public = "scim", 400, BadRequest.public

    def __init__(self, detail: str = "", scim_type: str = "", status: int = 400) -> None:
        """`scim_type`: the keyword of RFC 7644 table 9; "" where it has none for this."""
        super().__init__(detail)
        self.scim_type = scim_type
        self.status = status


class ProgramBusy(BridgeError):
    """A provider's program asks, or shows wrong tokens, more often than anybody needs to."""

    code, status, public = "too_many_requests", 429, "Too many requests. Please wait a minute."
    retry_after = 60


class AwsRefused(BridgeError):
    """AWS said no; the detail names AWS's code and the likely cause in words."""

    code, status, public = "aws_refused", 502, "AWS did not accept this request."


class SessionTooLong(AwsRefused):
    """AWS issues no session as long as was asked for: to ask for less is the person's own to do, so `public` says it.

    A `public` of its own repeats nothing but lengths of time: what was asked for, and what AWS said.
    """

    public = "AWS issues no session of this length for this role. Please ask for less."

    def __init__(self, detail: str = "", public: str = "") -> None:
        super().__init__(detail)
        self.public = public or self.public


class OutsideAwsLimits(AwsRefused):
    """AWS was not asked, because it would refuse: the detail names the limit and what passes it."""

    code, status = "outside_aws_limits", 403
    public = "This role's rule says more about you than AWS accepts, so AWS was not asked."


class AnswerNotGranted(AwsRefused):
    """AWS issued something else than was granted: it is handed to nobody, but it is alive."""

    code, public = "aws_answer_unusable", "AWS gave something other than what was granted. Nobody received it."
    access_key_id = ""
    """Of the session that was issued, where the answer names one."""
    expires_at: datetime | None = None


class CannotRevoke(AwsRefused):
    """Sessions cannot be ended in an account as it is: the detail says what stands in the way. Somebody has to act."""

    public = "AWS could not be told to end these sessions."


class AwsUnreachable(BridgeError):
    """No region answered, or all of them throttle."""

    code, status, public = "aws_unreachable", 503, "AWS could not be reached. Please try again in a moment."
    retry_after = 5


class AwsBusy(AwsUnreachable):
    """Every region that was asked throttles: AWS is up, and asked too often."""

    code = "aws_busy"
    public = "AWS gets too many requests at the moment, so it issued nothing. Please wait a minute, then try again."
    retry_after = 60


class ProviderUnreachable(BridgeError):
    """The identity provider (its token endpoint, keys, metadata) or its directory did not answer properly."""

    code, status, public = "provider_unreachable", 502, "The company sign-in could not be reached. Please try again."


class SenderUnproven(ProviderUnreachable):
    """A provider's program sent something, and the keys that would prove it were not to be had: it may try again."""

    status = 503
    public = "The keys that prove who sent this could not be fetched now. Please send it again later."
    retry_after = 60


class AnswerUnusable(ProviderUnreachable):
    """Somebody answered, but with what we do not read: too long, compressed, a redirect."""


class ConnectionMisconfigured(ProviderUnreachable):
    """The identity provider answers, and our settings and what it says do not fit: trying again never helps.

    The detail names the setting, what it says and what was found.
    """

    code = "connection_misconfigured"
    public = (
        "The company sign-in is not set up correctly, so trying again will not help. Your administrator has to"
        " correct this: please tell them the reference."
    )


class RequestMismatch(SignInRejected):
    """The provider answers, unsigned, that our request is not as it is set up there: as `ConnectionMisconfigured`."""

    code, public = ConnectionMisconfigured.code, ConnectionMisconfigured.public


class ProviderBusy(ProviderUnreachable):
    """So many requests wait for the identity provider already that this one does not."""

    status, retry_after = 503, 5


class Unavailable(BridgeError):
    """We cannot do this safely now: the store is down or full. Fails closed."""

    code, status, public = "unavailable", 503, "This service is not available right now. Please try again in a moment."
    retry_after = 5


class DatabaseFailure(str):
    """The detail of an Unavailable where the database itself failed; `cause` is what failed, without these words.

    Who knows where the database is takes the cause from here, and never from the words.
    """

    __slots__ = ("cause",)
    cause: str

    def __new__(cls, cause: str) -> Self:
        """The sentence of this cause."""
        made = super().__new__(cls, f"the database failed: {cause}")
        made.cause = cause
        return made

    def __getnewargs__(self) -> tuple[str]:
        """How copies are made."""
        return (self.cause,)


class OAuthRefused(BridgeError):
    """A refusal of the authorization server; `oauth_error` is the code of the RFCs (RFC 6749 5.2, RFC 8628 3.5)."""

    code, status, public = "bad_request", 400, BadRequest.public
    oauth_error = "invalid_request"


class InvalidClient(OAuthRefused):
    """No client of this name (RFC 6749 5.2)."""

    code, status, public = "invalid_client", 401, "This program is not known here."
    oauth_error = "invalid_client"


class InvalidRedirect(OAuthRefused):
    """A redirect address that the client may not use; nobody is ever sent there (attack I21)."""

    code, status, public = "invalid_redirect", 400, "This program named a return address that it may not use."


class InvalidGrant(OAuthRefused):
    """A code or refresh token that is wrong, used, of another client, key or verifier, or past its end."""

    code, status, public = "invalid_grant", 400, "This code or token is not valid. Please sign in again."
    oauth_error = "invalid_grant"


class AccessEnded(InvalidGrant):
    """A refresh token that somebody ended, with all that its person held. Who holds it is told so, and not by whom."""

    code = "access_ended"
    public = "Your access was ended by an administrator or by your company. Please sign in again."


class AccessBlocked(InvalidGrant):
    """The same, and its person is blocked now."""

    code = "access_blocked"
    public = (
        "Your access is blocked for now, by an administrator or by your company. Signing in again does not help until "
        "that is lifted: please ask your administrator."
    )


class UnauthorizedClient(OAuthRefused):
    """The client may not use this flow, or the operator has switched it off."""

    code, status, public = "unauthorized_client", 400, "This way of signing in is switched off here."
    oauth_error = "unauthorized_client"


class InvalidScope(OAuthRefused):
    """A scope that this client does not have, or one that has to be asked for in words (RFC 6749 5.2)."""

    code, status, public = "invalid_scope", 400, BadRequest.public
    oauth_error = "invalid_scope"


class UnsupportedGrantType(OAuthRefused):
    """A grant type that we do not speak."""

    code, status, public = "unsupported_grant_type", 400, BadRequest.public
    oauth_error = "unsupported_grant_type"


class UnsupportedResponseType(OAuthRefused):
    """A response type other than `code` (RFC 6749 4.1.2.1)."""

    code, status, public = "unsupported_response_type", 400, BadRequest.public
    oauth_error = "unsupported_response_type"


class AuthorizationPending(OAuthRefused):
    """Nobody has decided about this device code yet (RFC 8628 3.5)."""

    code, status, public = "authorization_pending", 400, "Nobody has approved this sign-in yet."
    oauth_error = "authorization_pending"
    is_progress = True


class SlowDown(OAuthRefused):
    """Asked again too soon: the interval has grown by five seconds (RFC 8628 3.5)."""

    code, status, public = "slow_down", 400, "Please ask less often."
    oauth_error = "slow_down"
    is_progress = True


class ExpiredCode(OAuthRefused):
    """The device code is past its end (RFC 8628 3.5)."""

    code, status, public = "expired_token", 400, "This code is no longer valid. Please start again."
    oauth_error = "expired_token"


class AccessDenied(OAuthRefused):
    """The person, or a rule of the operator, said no (RFC 8628 3.5)."""

    code, status, public = "access_denied", 403, "This sign-in was not approved."
    oauth_error = "access_denied"


class InvalidDpopProof(OAuthRefused):
    """The proof of possession is missing or does not prove it (RFC 9449 5 and 7.1)."""

    code, status, public = "invalid_dpop_proof", 401, "The proof of this program's key was not accepted."
    oauth_error = "invalid_dpop_proof"


class InvalidToken(OAuthRefused):
    """No live command line behind this access token (RFC 6750 3.1)."""

    code, status, public = "not_signed_in", 401, NotSignedIn.public
    oauth_error = "invalid_token"


class ScimUnauthenticated(InvalidToken):
    """A SCIM client without a live token of its connection: a program, which cannot sign in."""

    public = SignalUnauthenticated.public


class OtherDoor(InvalidToken):
    """A live access token of a program for which this address is not made."""


class WrongUserCode(OAuthRefused):
    """Nobody's code: mistyped, used, expired, guessed, or claimed in another browser. One sentence for all."""

    code, status, public = "wrong_code", 403, "This code is not valid. Please compare it with your terminal."


class TooManyTries(OAuthRefused):
    """A limit against guessing or flooding is reached."""

    code, status, public = "too_many_tries", 429, "Too many tries. Please wait ten minutes."
    oauth_error = "slow_down"
    retry_after = 600


class SignInTooOld(OAuthRefused):
    """To let a device in, the person must have signed in at the identity provider more recently."""

    code, status, public = "sign_in_too_old", 403, "Please sign in again before you let a command line in."


class OtherAddress(AccessDenied):
    """The operator refuses approvals from another address than the one that asked."""

    code, public = "other_address", "This sign-in was begun at another address, which is not allowed here."


class ConfigurationInvalid(BridgeError):
    """Settings, rules, register, metadata or keys that an operator has to mend; the detail says what and how."""

    code, status = "configuration", 500
    public = (
        "This service is not set up correctly. Your administrator has to correct this: please tell them the reference."
    )


class Mistake(str):
    """A sentence about a mistake that knows where in a text the mistake stands: `rules.yaml: line 3: ... (column 5)`.

    Programs and pages take the place from here, and never from the words.
    """

    __slots__ = ("column", "file", "line", "reason")
    reason: str
    file: str
    """What people call the text; "" where there is only one."""
    line: int
    """Line and column from 1."""
    column: int

    def __new__(cls, reason: str, line: int, column: int, file: str = "") -> Self:
        """The sentence; the line comes first, as it is what a person looks for."""
        made = super().__new__(cls, f"{f'{file}: ' if file else ''}line {line}: {reason} (column {column})")
        made.reason, made.file, made.line, made.column = reason, file, line, column
        return made

    def __getnewargs__(self) -> tuple[str, int, int, str]:  # type: ignore[override] # it has more than its text
        """How copies are made."""
        return self.reason, self.line, self.column, self.file

    def within(self, file: str) -> Mistake:
        """The same mistake, in the text that people call so; a name that it has already stays."""
        return self if self.file or not file else Mistake(self.reason, self.line, self.column, file)


class ConfigurationMistakes(ConfigurationInvalid):
    """Several mistakes, each of which has to be mended."""

    def __init__(self, mistakes: tuple[str, ...], detail: str = "") -> None:
        """`mistakes`: each with its place, in the order in which people read. `detail`: all of them, told shorter."""
        told = "; ".join(mistakes[:MOST_MISTAKES_TOLD]) + _and_more(len(mistakes) - MOST_MISTAKES_TOLD)
        super().__init__(detail or told)
        self.mistakes = mistakes


MOST_MISTAKES_TOLD = 20
"""So many stand in one sentence; the exception carries all."""


def mistakes_of(problem: ConfigurationInvalid) -> tuple[str, ...]:
    """Each mistake that this says is to be mended."""
    return problem.mistakes if isinstance(problem, ConfigurationMistakes) else (problem.detail,)


def mistakes_within(problem: ConfigurationInvalid, file: str) -> ConfigurationInvalid:
    """The same refusal, each of its mistakes within the text that people call so; "" gives it no name."""
    told = tuple(_within(one, file) for one in mistakes_of(problem))
    return ConfigurationInvalid(told[0]) if len(told) == 1 else ConfigurationMistakes(told)


def mistakes_renamed(problem: ConfigurationInvalid, files: Mapping[str, str]) -> ConfigurationInvalid:
    """The same refusal, each of its mistakes with another name of its text, where `files` has one for that."""
    told = tuple(
        Mistake(one.reason, one.line, one.column, files.get(one.file, one.file)) if isinstance(one, Mistake) else one
        for one in mistakes_of(problem)
    )
    return ConfigurationInvalid(told[0]) if len(told) == 1 else ConfigurationMistakes(told)


def _within(sentence: str, file: str) -> str:
    if isinstance(sentence, Mistake):
        return sentence.within(file)
    return f"{file}: {sentence}" if file else sentence


def _and_more(number: int) -> str:
    return f"; and {number} more" if number > 0 else ""


def place_of(problem: BaseException) -> str:
    """What was raised that nobody foresaw, and where: `OverflowError at federation_bridge.store.engine:12 (read)`.

    Its own text is left out: it may repeat what a message held. The place is the innermost one in our code.
    """
    ours = [
        f"{frame.f_globals['__name__']}:{line} ({frame.f_code.co_name})"
        for frame, line in walk_tb(problem.__traceback__)
        if str(frame.f_globals.get("__name__")).partition(".")[0] == __package__
    ]
    return f"{type(problem).__name__} at {ours[-1] if ours else 'a place outside our code'}"


@contextmanager
def arrival_foreseen() -> Iterator[None]:
    """Makes a refusal, Unforeseen, of whatever this block raises that is not one of ours."""
    try:
        yield
    except BridgeError:
        raise
    except Exception as problem:
        raise Unforeseen(f"what no code foresaw: {place_of(problem)}") from problem


@contextmanager
def signature_held() -> Iterator[None]:
    """Says of every SignInRejected of this block that it is about a message whose signature held."""
    try:
        with arrival_foreseen():
            yield
    except SignInRejected as refusal:
        refusal.is_believed = True
        raise
