"""How much of a request is read: by the server before any thread works on it, and again by the application itself."""

from __future__ import annotations

import io
import re
from typing import IO, Any

from flask import Request
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from federation_bridge.errors import BadRequest, BridgeError, MessageTooLarge

MOST_MESSAGE = 1_000_000
"""Bytes where an identity provider posts (a Response of 512 kB in base64, percent-encoded where it must be), where a
rulebook is changed, and where a SCIM client tells of a group with 10,000 members."""

MOST_BODY = 65_536
"""Bytes everywhere else."""

MOST_FIELDS = 100
"""Fields of a form, and of a query: a megabyte of `a&` would cost 0.4 s to take apart."""

REFUSAL = "federation_bridge.refusal"
"""Where the server tells the application, in the WSGI environment, why it has not read the body."""

STOPPING = "federation_bridge.stopping"
"""Where it tells that the service has been told to stop: true or false."""

TOO_LARGE, INCOMPLETE = "too large", "incomplete"

_LARGE_AT = re.compile(
    r"/sign-in/[a-z0-9-]{1,32}/saml|/administration/(?:edit|form|accounts/form|accounts/import)"
    r"|/api/v1/administration/(?:rulebook(?:/check|/preview)?|accounts/import)"
    r"|/scim/v2/[a-z0-9-]{1,32}/(?:Users|Groups)(?:/[0-9a-f]{1,64})?"
)


def most_body(path: str) -> int:
    """The most bytes of a body that are read at this path."""
    return MOST_MESSAGE if _LARGE_AT.fullmatch(path) else MOST_BODY


class _Form(FormDataParser):
    """Counts the fields before it makes any."""

    def parse(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str] | None = None
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        """The parts of the body; RequestEntityTooLarge where there are too many."""
        if mimetype == "application/x-www-form-urlencoded":
            body = stream.read()
            if body.count(b"&") >= MOST_FIELDS:
                raise RequestEntityTooLarge
            stream = io.BytesIO(body)
        return super().parse(stream, mimetype, content_length, options)


class BoundedRequest(Request):
    """A request that is read no further than its path deserves."""

    form_data_parser_class = _Form

    def __init__(self, environ: dict[str, Any], populate_request: bool = True, shallow: bool = False) -> None:
        super().__init__(environ, populate_request, shallow)
        self.max_content_length = self.max_form_memory_size = most_body(self.path)

    def _get_file_stream(self, *_: object, **__: object) -> IO[bytes]:
        # A file that is sent is as short as its path allows: it needs no place on a disk, and leaves none there.
        return io.BytesIO()


def check(request: Request) -> None:
    """Refuses what the server did not read, chunks, and too many fields of a query.

    Raises:
        BadRequest: chunks, a body that broke off, a query of too many fields.
        MessageTooLarge: a body over the limit of its path.
    """
    if "Transfer-Encoding" in request.headers:
        # No browser sends one, and a size that is not said first cannot be held to a limit first.
        raise BadRequest("a body in chunks, without a Content-Length")
    if request.query_string.count(b"&") >= MOST_FIELDS:
        raise BadRequest(f"a query of more than {MOST_FIELDS} fields")
    refusal = _refusal(request.environ.get(REFUSAL))
    if refusal:
        raise refusal


def _refusal(reason: object) -> BridgeError | None:
    if reason == TOO_LARGE:
        return MessageTooLarge("the body is over the limit of its path")
    return BadRequest("the body broke off") if reason == INCOMPLETE else None
