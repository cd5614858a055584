"""A request of S3: what it is about, and whether its sender may."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from federation_bridge.sandbox.aws import context_keys
from federation_bridge.sandbox.aws.caller import Caller
from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.signature_v4 import Signed
from federation_bridge.sandbox.aws.state import Bucket, State
from federation_bridge.sandbox.aws.wire import Trail, Wire

_VIRTUAL_HOST = re.compile(r"([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.(?:s3[.-][^:]*|localhost)(?::[0-9]+)?")


@dataclass(frozen=True, slots=True)
class S3Request:
    """One request: on a bucket, on an object in it, or on neither."""

    state: State
    wire: Wire
    signed: Signed
    trail: Trail
    bucket: str
    key: str
    query: Mapping[str, str]

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return self.signed.caller

    def arn(self) -> str:
        """ARN of what is asked for, in the caller's partition."""
        partition = self.caller.arn.split(":", 2)[1]
        return f"arn:{partition}:s3:::{self.bucket}" + (f"/{self.key}" if self.key else "")

    def demand(self, action: str, resource: str | None = None, **keys: str) -> None:
        """Refused (AccessDenied) unless the caller may do this here."""
        context = context_keys.of_request(self.wire, self.signed.claim.region)
        context.update({f"s3:{name.replace('_', '-')}": (text,) for name, text in keys.items()})
        stored = self.state.buckets.get(self.bucket)
        if stored is not None:
            context["aws:resourceaccount"] = (stored.account_id,)
            if stored.account_id != self.caller.account_id:
                raise Refused("AccessDenied", "Access Denied", 403)
        self.caller.demand(action, self.arn() if resource is None else resource, context)

    def found(self) -> Bucket:
        """The bucket; Refused (NoSuchBucket) when there is none."""
        bucket = self.state.buckets.get(self.bucket)
        if bucket is None:
            raise Refused("NoSuchBucket", "The specified bucket does not exist", 404, extra={"BucketName": self.bucket})
        return bucket


def address(wire: Wire) -> tuple[str, str]:
    """Bucket and key that a request names, by host or by path; Refused for bytes that are no UTF-8."""
    try:
        path = unquote_to_bytes(wire.path).decode("utf-8").removeprefix("/")
    except UnicodeDecodeError:
        raise Refused("InvalidURI", "Couldn't parse the specified URI.") from None
    virtual = _VIRTUAL_HOST.fullmatch(wire.headers.get("host", ""))
    if virtual:
        return virtual[1], path
    bucket, _, key = path.partition("/")
    return bucket, key


def operation(method: str, bucket: str, key: str) -> str:
    """The operation's name as CloudTrail writes it."""
    if not bucket:
        return "ListBuckets"
    if not key:
        return {"GET": "ListObjects", "HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}.get(
            method, method
        )
    return {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}.get(method, method)
