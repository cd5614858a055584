"""The body of an uploaded object: plain, or in signed or unsigned chunks (S3's `aws-chunked` coding), and checked."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import zlib
from collections.abc import Callable, Mapping

from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.signature_v4 import STREAMING, Signed
from federation_bridge.sandbox.aws.wire import Wire

_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})(?:;chunk-signature=([0-9a-f]{64}))?\r\n")
_EMPTY = hashlib.sha256(b"").hexdigest()


def object_body(wire: Wire, signed: Signed) -> bytes:
    """The object's bytes; Refused when a chunk's signature, a length or a checksum does not fit."""
    coding = wire.headers.get("x-amz-content-sha256", "")
    body = _joined(wire.body, coding, signed) if coding in STREAMING else wire.body
    told = wire.headers.get("x-amz-decoded-content-length")
    if told is not None and told != str(len(body)):
        raise Refused("IncompleteBody", "You did not provide the number of bytes specified by the header.")
    _demand_checksums(wire, body)
    return body


def _joined(coded: bytes, coding: str, signed: Signed) -> bytes:
    is_signed = coding.startswith("STREAMING-AWS4")
    found: list[bytes] = []
    at, previous = 0, signed.claim.signature
    while True:
        head = _CHUNK.match(coded, at)
        if head is None or (is_signed and head[2] is None):
            raise Refused("IncompleteBody", "The chunks of the body could not be read.")
        size = int(head[1], 16)
        chunk = coded[head.end() : head.end() + size]
        if is_signed:
            previous = _chunk_signature(signed, previous, chunk)
            if not hmac.compare_digest(previous.encode(), head[2]):
                raise Refused("SignatureDoesNotMatch", "The signature of a chunk does not match.", 403)
        at = head.end() + size + 2
        if size == 0:
            return b"".join(found)
        if coded[at - 2 : at] != b"\r\n":
            raise Refused("IncompleteBody", "A chunk of the body is shorter than it says.")
        found.append(chunk)


def _chunk_signature(signed: Signed, previous: str, chunk: bytes) -> str:
    claim = signed.claim
    scope = f"{claim.date[:8]}/{claim.region}/{claim.service}/aws4_request"
    text = "\n".join(
        ("AWS4-HMAC-SHA256-PAYLOAD", claim.date, scope, previous, _EMPTY, hashlib.sha256(chunk).hexdigest())
    )
    return hmac.new(signed.signing_key, text.encode(), hashlib.sha256).hexdigest()


def _demand_checksums(wire: Wire, body: bytes) -> None:
    computed: Mapping[str, Callable[[], bytes]] = {
        "content-md5": lambda: hashlib.md5(body, usedforsecurity=False).digest(),
        "x-amz-checksum-sha1": lambda: hashlib.sha1(body, usedforsecurity=False).digest(),
        "x-amz-checksum-sha256": lambda: hashlib.sha256(body).digest(),
        "x-amz-checksum-crc32": lambda: zlib.crc32(body).to_bytes(4, "big"),
    }
    for name, digest in computed.items():
        told = wire.headers.get(name)
        if told is None:
            continue
        try:
            fits = base64.b64decode(told, validate=True) == digest()
        except (binascii.Error, ValueError):
            fits = False
        if not fits:
            raise Refused("BadDigest", f"The {name} you specified did not match what was computed.")
