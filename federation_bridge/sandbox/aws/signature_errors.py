"""How a signature is refused: STS and IAM have other words for it than S3."""

from __future__ import annotations

from federation_bridge.sandbox.aws.error_responses import Refused


def mismatch(message: str) -> Refused:
    """The signature is not the one that we compute, or not of now."""
    return Refused("SignatureDoesNotMatch", message, 403)


def missing(service: str) -> Refused:
    """The request is not signed."""
    if service == "s3":
        return Refused("AccessDenied", "Access Denied", 403)
    return Refused("MissingAuthenticationToken", "Request is missing Authentication Token", 403)


def unknown_key(service: str) -> Refused:
    """Nobody has this access key."""
    if service == "s3":
        return Refused("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403)
    return Refused("InvalidClientTokenId", "The security token included in the request is invalid.", 403)


def invalid_token(service: str) -> Refused:
    """The session token is not this key's."""
    if service == "s3":
        return Refused("InvalidToken", "The provided token is malformed or otherwise invalid.", 400)
    return Refused("InvalidClientTokenId", "The security token included in the request is invalid", 403)


def expired(service: str) -> Refused:
    """The session has ended."""
    if service == "s3":
        return Refused("ExpiredToken", "The provided token has expired.", 400)
    return Refused("ExpiredToken", "The security token included in the request is expired", 403)


def presigned_expired(service: str) -> Refused:
    """The presigned address is too old."""
    if service == "s3":
        return Refused("AccessDenied", "Request has expired", 403)
    return mismatch("Signature expired: the presigned address is too old.")
