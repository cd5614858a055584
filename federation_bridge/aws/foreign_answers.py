"""Answers that are not AWS's own: what a proxy, a firewall or a sign-in page of a network says in AWS's place.

Such an answer is no refusal of AWS: another region may be reached by another way, and who reads the log has to look at
the network and not at a role. What is repeated of it is short, and never anything that could be a secret.
"""

from __future__ import annotations

import re

from federation_bridge.aws.error_codes import printable
from federation_bridge.redaction import masked

_ROOT = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?<(?:ErrorResponse|AssumeRoleWith[A-Za-z]+Response)\b"
)
_OF_IAM = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?<(?:Error|[A-Z][A-Za-z]{2,60})Response\b")
_READ = 4_096
_LONGEST = 160
_UNSEEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL | re.IGNORECASE)
_MARKUP = re.compile(r"<[^>]*(?:>|\Z)")
_SECRET_NAMES = re.compile(
    r"SecretAccessKey|SessionToken|SigninToken|sessionKey|SAMLAssertion|SAMLResponse", re.IGNORECASE
)
_CONTENT_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,40}/[A-Za-z0-9.+-]{1,60}")
_SUCCESS = range(200, 300)


def is_of_sts(body: bytes) -> bool:
    """Whether this is an answer of STS at all (AWS Query protocol): its root is a result or an ErrorResponse."""
    return _ROOT.match(body) is not None


def is_of_iam(body: bytes) -> bool:
    """The same for IAM, whose results have as many roots as it has operations."""
    return _OF_IAM.match(body) is not None


def told(status: int, content_type: str, body: bytes) -> str:
    """One clause for log and audit: that something else answered, with which status, and how its text begins.

    Nothing is repeated of a success, which may be a damaged answer with credentials in it, nor of an answer that names
    a secret: a proxy's page may echo what was sent.
    """
    kind = _CONTENT_TYPE.match(content_type)
    what = kind[0].lower() if kind else "no content type"
    said = f"something between the bridge and AWS answered {status} ({what})"
    if not body.strip():
        return f"{said} with nothing in it"
    extract = "" if status in _SUCCESS else _extract(body)
    return f"{said}: {extract!r}" if extract else said


def _extract(body: bytes) -> str:
    text = body[:_READ].decode("utf-8", "replace")
    if _SECRET_NAMES.search(text):
        return ""
    seen = " ".join(_MARKUP.sub(" ", _UNSEEN.sub(" ", text)).split())
    return printable(masked(seen))[:_LONGEST]
