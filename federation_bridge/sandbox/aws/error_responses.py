"""What AWS answers instead of a result: a code, a status and a sentence, as its clients see them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

from federation_bridge.errors import BridgeError

_MOST_SHOWN = 256


class Refused(BridgeError):
    """A refusal of the local AWS. Unlike the bridge's own refusals its sentence is public, because AWS's is."""

    def __init__(self, code: str, message: str, status: int = 400, *, extra: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message
        self.extra = extra or {}

    @property
    def fault(self) -> Literal["Sender", "Receiver"]:
        """Whose fault it is, in the words of AWS's query protocol."""
        return "Receiver" if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "Sender"


def validation_error(message: str) -> Refused:
    """A parameter that breaks a constraint."""
    return Refused("ValidationError", message)


def constraint_failed(value: str, name: str, constraint: str) -> Refused:
    """A parameter that breaks one published constraint, in the words that AWS uses for all of them."""
    shown = value if len(value) <= _MOST_SHOWN else value[:_MOST_SHOWN] + "..."
    return validation_error(
        f"1 validation error detected: Value '{shown}' at '{name}' failed to satisfy constraint: {constraint}"
    )


def invalid_identity_token(message: str) -> Refused:
    """An assertion or a JWT that is not believed."""
    return Refused("InvalidIdentityToken", message)


def expired_token(message: str) -> Refused:
    """An assertion or a JWT whose time is over."""
    return Refused("ExpiredTokenException", message)


def not_authorized(action: str) -> Refused:
    """One sentence for every reason why a role may not be assumed."""
    return Refused("AccessDenied", f"Not authorized to perform {action}", 403)


def malformed_policy(message: str) -> Refused:
    """A policy document that IAM does not take."""
    return Refused("MalformedPolicyDocument", message)


def no_such_entity(message: str) -> Refused:
    """IAM knows no such thing."""
    return Refused("NoSuchEntity", message, 404)
