"""AWS's signature of one POST (Signature Version 4): the base package has no AWS SDK, and no other signed call."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from urllib.parse import urlsplit

from federation_bridge.model import AwsCredentials

_ALGORITHM = "AWS4-HMAC-SHA256"
_FORM = "application/x-www-form-urlencoded; charset=utf-8"


def signed_headers(
    url: str, body: bytes, credentials: AwsCredentials, scope: tuple[str, str], now: datetime
) -> dict[str, str]:
    """The headers of a signed POST of a form; `scope` is the region and the service's signing name (UTC `now`)."""
    parts, stamp = urlsplit(url), now.strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "content-type": _FORM,
        "host": parts.netloc,
        "x-amz-date": stamp,
        "x-amz-security-token": credentials.session_token,
    }
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = f"POST\n{parts.path or '/'}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    place = "/".join((stamp[:8], *scope, "aws4_request"))
    text = f"{_ALGORITHM}\n{stamp}\n{place}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in place.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    told = f"{_ALGORITHM} Credential={credentials.access_key_id}/{place}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": told}
