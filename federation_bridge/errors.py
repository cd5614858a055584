"""What may go wrong, in one place: a code, an HTTP status, one fixed sentence for the public, a private detail.

The detail goes to the log and the audit under a reference number, never to the page. A library's own exceptions are
translated in the module that calls the library.
"""

from __future__ import annotations


class BridgeError(Exception):
    """Any refusal of ours. `detail` is private; `public` is the same sentence for every cause of the code."""

    code = "internal"
    status = 500
    public = "Something went wrong on our side."
    retry_after: int | None = None

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.public)
        self.detail = detail or self.public


class BadRequest(BridgeError):
    """The request itself is malformed."""

    code, status, public = "bad_request", 400, "This request could not be understood."


class MessageTooLarge(BridgeError):
    """More bytes than any honest sender needs."""

    code, status, public = "too_large", 413, "This request is too large."


class NotSignedIn(BridgeError):
    """No live session."""

    code, status, public = "not_signed_in", 401, "Please sign in first."


class SignInRejected(BridgeError):
    """The identity provider's answer was not believed. One sentence for every reason (attack catalogue, preface)."""

    code, status, public = "sign_in_rejected", 403, "We could not sign you in."


class OpinionsDiffer(SignInRejected):
    """Our own verifier accepts the message and the second opinion does not: refused, and audited as just that."""


class SignInExpired(SignInRejected):
    """The sign-in is unknown here: used, too old, of another browser, or never begun."""

    code, public = "sign_in_expired", "This sign-in is no longer valid. Please start again."


class CrossSiteRequest(BridgeError):
    """A form without our token, or sent by another site."""

    code, status, public = "cross_site", 403, "Please use the buttons on our own pages."


class RoleNotGranted(BridgeError):
    """No rule gives this person this role now. The same answer whether or not the role exists."""

    code, status, public = "role_not_granted", 403, "You do not have this role."


class NotFound(BridgeError):
    """No such page or thing."""

    code, status, public = "not_found", 404, "There is nothing at this address."


class AwsRefused(BridgeError):
    """AWS said no; the detail names AWS's code and the likely cause in words."""

    code, status, public = "aws_refused", 502, "AWS did not accept this request."


class AwsUnreachable(BridgeError):
    """No region answered, or all of them throttle."""

    code, status, public = "aws_unreachable", 503, "AWS could not be reached. Please try again in a moment."
    retry_after = 5


class ProviderUnreachable(BridgeError):
    """The identity provider (its token endpoint, keys, metadata) did not answer properly."""

    code, status, public = "provider_unreachable", 502, "The company sign-in could not be reached. Please try again."


class Unavailable(BridgeError):
    """We cannot do this safely now: the store is down or full. Fails closed."""

    code, status, public = "unavailable", 503, "This service is not available right now. Please try again in a moment."
    retry_after = 5


class ConfigurationInvalid(BridgeError):
    """Settings, rules, register, metadata or keys that an operator has to mend; the detail says what and how."""

    code, status, public = "configuration", 500, "This service is not set up correctly."
