"""Documents that are the same for everybody: the only ones that caches may keep, and the only ones that are compressed.

Attack (BREACH): the length of a compressed body tells what in it repeats. Whoever can make a browser ask again and
again, with a guess in the address, reads a form's token from the lengths. So nothing is compressed but what stands in
the list below: what holds a secret, a form's token or a person's data must never stand there.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache

from flask import Response, request

_FIVE_MINUTES = "public, max-age=300"

DOCUMENTS = {
    "static_files.file": "public, max-age=31536000, immutable",
    "brand_files.file": "public, max-age=31536000, immutable",
    "api.openapi": _FIVE_MINUTES,
    "issuer.saml_metadata": _FIVE_MINUTES,
    "issuer.openid_configuration": _FIVE_MINUTES,
    "issuer.jwks": _FIVE_MINUTES,
    "oauth.metadata": _FIVE_MINUTES,
    "sign_in.service_provider_metadata": _FIVE_MINUTES,
}
"""Their endpoints, and how long a cache may keep each."""

_LEAST = 512
"""Bytes below which compressing saves no packet."""

_QUICKLY = 1
"""As the answer waits for it."""
_OK, _NOT_MODIFIED = 200, 304


def is_one(response: Response) -> bool:
    """Whether this answer is such a document: no refusal at the same address, and nothing that sets a cookie."""
    is_read = request.endpoint in DOCUMENTS and request.method in ("GET", "HEAD")
    return is_read and response.status_code == _OK and "Set-Cookie" not in response.headers


def finish(response: Response) -> None:
    """Gives such a document its headers, and sends what this client can best take: nothing, gzip, or all of it."""
    body = response.get_data()
    response.headers["Cache-Control"] = DOCUMENTS[str(request.endpoint)]
    response.headers["Vary"] = "Accept-Encoding"
    # Weak (RFC 9110 8.8.1): the same for the compressed and the plain form.
    tag = hashlib.sha256(body).hexdigest()[:32]
    response.set_etag(tag, weak=True)
    if request.if_none_match.contains_weak(tag):
        response.status_code = _NOT_MODIFIED
        response.set_data(b"")
        del response.headers["Content-Length"]
    elif len(body) >= _LEAST and request.accept_encodings.quality("gzip") > 0:
        response.set_data(gzipped(body))
        response.headers["Content-Encoding"] = "gzip"


def compressed_if_asked(response: Response) -> Response:
    """For a document of one person's that holds neither a secret nor a form's token (ADR 58): compressed where a script
    of our own pages asks for it, and for nobody else.

    Its caller vouches that nothing of the request stands in it. A page of another site cannot ask: its requests say
    `cross-site`, and carry no cookie of ours.
    """
    body = response.get_data()
    is_ours = request.headers.get("Sec-Fetch-Site") == "same-origin" and not request.query_string
    if is_ours and len(body) >= _LEAST and request.accept_encodings.quality("gzip") > 0:
        response.set_data(gzip.compress(body, _QUICKLY, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


@lru_cache(maxsize=32)
def gzipped(body: bytes) -> bytes:
    """The body in gzip (RFC 1952), made once for each document."""
    return gzip.compress(body, mtime=0)
