"""As much of S3 as shows that a session works and is limited: buckets, listings, objects, each permission decided.

Reads path-style and virtual-hosted addresses. Keeps objects in memory; no versions, no ACLs, no bucket policies.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from email.utils import format_datetime
from urllib.parse import quote

from federation_bridge.sandbox.aws.answers import Value, xml_of
from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.s3_body import object_body
from federation_bridge.sandbox.aws.s3_request import S3Request
from federation_bridge.sandbox.aws.state import Bucket, StoredObject
from federation_bridge.sandbox.aws.wire import Answer

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_MAX_KEYS = 1_000
_MAX_KEY_BYTES = 1_024
_RANGE = re.compile(r"bytes=([0-9]{0,12})-([0-9]{0,12})")


def answer_s3(request: S3Request) -> Answer:
    """The answer to one request; Refused in S3's words."""
    if len(request.key.encode()) > _MAX_KEY_BYTES:
        raise Refused("KeyTooLongError", "Your key is too long")
    level = "object" if request.key else "bucket" if request.bucket else "service"
    if level != "service" and not _BUCKET.fullmatch(request.bucket):
        raise Refused("InvalidBucketName", "The specified bucket is not valid.")
    handler = _HANDLERS.get((request.wire.method, level))
    if handler is None:
        raise Refused("MethodNotAllowed", "The specified method is not allowed against this resource.", 405)
    unknown = set(request.query) & _SUBRESOURCES
    if unknown:
        raise Refused("NotImplemented", f"The local AWS has no {min(unknown)!r} of S3.", 501)
    if request.bucket:
        request.trail.request = {"bucketName": request.bucket, **({"key": request.key} if request.key else {})}
        request.trail.resources.append({"type": f"AWS::S3::{level.title()}", "ARN": request.arn()})
    return handler(request)


_SUBRESOURCES = frozenset(
    {
        "acl",
        "cors",
        "delete",
        "encryption",
        "lifecycle",
        "logging",
        "notification",
        "object-lock",
        "policy",
        "replication",
        "retention",
        "tagging",
        "torrent",
        "uploads",
        "uploadId",
        "versioning",
        "versions",
        "website",
        "select",
        "legal-hold",
        "attributes",
    }
)


def _xml(root: str, content: Mapping[str, Value], listed: str = "") -> Answer:
    text = f'<{root} xmlns="{_NAMESPACE}">{xml_of(content)}{listed}</{root}>'
    return Answer(b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode(), content_type="application/xml")


def _list_buckets(request: S3Request) -> Answer:
    request.demand("s3:ListAllMyBuckets", "*")
    own = [one for one in request.state.buckets.values() if one.account_id == request.caller.account_id]
    buckets = "".join(
        f"<Bucket>{xml_of({'Name': one.name, 'CreationDate': one.created_at, 'BucketRegion': one.region})}</Bucket>"
        for one in sorted(own, key=lambda one: one.name)
    )
    return _xml("ListAllMyBucketsResult", {"Owner": {"ID": request.caller.account_id}}, f"<Buckets>{buckets}</Buckets>")


def _head_bucket(request: S3Request) -> Answer:
    request.demand("s3:ListBucket")
    return Answer(headers={"x-amz-bucket-region": request.found().region})


def _create_bucket(request: S3Request) -> Answer:
    request.demand("s3:CreateBucket")
    with request.state.lock:
        if request.bucket in request.state.buckets:
            raise Refused("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded.", 409)
        request.state.buckets[request.bucket] = Bucket(
            request.bucket, request.caller.account_id, request.signed.claim.region, request.wire.received_at
        )
    return Answer(headers={"Location": f"/{request.bucket}"})


def _delete_bucket(request: S3Request) -> Answer:
    request.demand("s3:DeleteBucket")
    with request.state.lock:
        if request.found().objects:
            raise Refused("BucketNotEmpty", "The bucket you tried to delete is not empty", 409)
        del request.state.buckets[request.bucket]
    return Answer(status=204)


def _list_objects(request: S3Request) -> Answer:
    query = request.query
    if "location" in query:
        request.demand("s3:GetBucketLocation")
        region = request.found().region
        return _xml("LocationConstraint", {}, "" if region == "us-east-1" else region)
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    limit = _limit(query.get("max-keys", str(_MAX_KEYS)))
    request.demand("s3:ListBucket", prefix=prefix, delimiter=delimiter, max_keys=str(limit))
    is_second = query.get("list-type") == "2"
    after = query.get("continuation-token") or query.get("start-after" if is_second else "marker", "")
    objects = request.found().objects
    keys, prefixes, last = _page(
        [key for key in sorted(objects) if key.startswith(prefix) and key > after], query, limit
    )
    is_cut = bool(last)
    encode: Callable[[str], str] = quote if query.get("encoding-type") == "url" else str
    content: dict[str, Value] = {
        "Name": request.bucket,
        "Prefix": encode(prefix),
        "Delimiter": encode(delimiter) or None,
        "MaxKeys": limit,
        "EncodingType": query.get("encoding-type"),
        "IsTruncated": is_cut,
    }
    if is_second:
        content.update(KeyCount=len(keys) + len(prefixes), NextContinuationToken=last or None)
    elif is_cut:
        content["NextMarker"] = encode(last)
    listed = "".join(f"<Contents>{xml_of(_entry(encode(key), objects[key]))}</Contents>" for key in keys)
    listed += "".join(f"<CommonPrefixes>{xml_of({'Prefix': encode(one)})}</CommonPrefixes>" for one in prefixes)
    return _xml("ListBucketResult", content, listed)


def _limit(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise Refused("InvalidArgument", "Provided max-keys not an integer or within integer range")
    return min(int(text), _MAX_KEYS)


def _page(keys: list[str], query: Mapping[str, str], limit: int) -> tuple[list[str], list[str], str]:
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    listed: list[str] = []
    prefixes: list[str] = []
    last = ""
    for key in keys:
        _, cut, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
        group = prefix + key[len(prefix) :].partition(delimiter)[0] + delimiter if cut else ""
        if group and group in prefixes:
            last = key
            continue
        if len(listed) + len(prefixes) >= limit:
            return listed, prefixes, last
        if group:
            prefixes.append(group)
        else:
            listed.append(key)
        last = key
    return listed, prefixes, ""


def _entry(key: str, stored: StoredObject) -> dict[str, Value]:
    return {
        "Key": key,
        "LastModified": stored.modified_at,
        "ETag": stored.etag,
        "Size": len(stored.body),
        "StorageClass": "STANDARD",
    }


def _get_object(request: S3Request) -> Answer:
    request.demand("s3:GetObject")
    stored = request.found().objects.get(request.key)
    if stored is None:
        _demand_listing(request)
        raise Refused("NoSuchKey", "The specified key does not exist.", 404, extra={"Key": request.key})
    headers = {
        "ETag": stored.etag,
        "Last-Modified": format_datetime(stored.modified_at, usegmt=True),
        "Accept-Ranges": "bytes",
        **{f"x-amz-meta-{name}": text for name, text in stored.metadata.items()},
    }
    wanted = _RANGE.fullmatch(request.wire.headers.get("range", ""))
    if wanted is None or wanted[0] == "bytes=-":
        return Answer(stored.body, 200, stored.content_type, headers)
    part, told = _part(stored.body, wanted[1], wanted[2])
    return Answer(part, 206, stored.content_type, {**headers, "Content-Range": told})


def _demand_listing(request: S3Request) -> None:
    # Without s3:ListBucket a missing key looks exactly like a forbidden one.
    resource = request.arn()[: -len(request.key) - 1]
    request.demand("s3:ListBucket", resource)


def _part(body: bytes, first: str, last: str) -> tuple[bytes, str]:
    size = len(body)
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last), size - 1) if first and last else size - 1
    if start >= size or end < start:
        raise Refused("InvalidRange", "The requested range is not satisfiable", 416)
    return body[start : end + 1], f"bytes {start}-{end}/{size}"


def _put_object(request: S3Request) -> Answer:
    if "x-amz-copy-source" in request.wire.headers:
        raise Refused("NotImplemented", "The local AWS does not copy objects.", 501)
    request.demand("s3:PutObject")
    body = object_body(request.wire, request.signed)
    etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
    metadata = {
        name.removeprefix("x-amz-meta-"): text
        for name, text in request.wire.headers.items()
        if name.startswith("x-amz-meta-")
    }
    content_type = request.wire.headers.get("content-type") or "binary/octet-stream"
    stored = StoredObject(body, content_type, etag, request.wire.received_at.replace(microsecond=0), metadata)
    with request.state.lock:
        request.found().objects[request.key] = stored
    return Answer(headers={"ETag": etag})


def _delete_object(request: S3Request) -> Answer:
    request.demand("s3:DeleteObject")
    with request.state.lock:
        request.found().objects.pop(request.key, None)
    return Answer(status=204)


_HANDLERS: Mapping[tuple[str, str], Callable[[S3Request], Answer]] = {
    ("GET", "service"): _list_buckets,
    ("GET", "bucket"): _list_objects,
    ("HEAD", "bucket"): _head_bucket,
    ("PUT", "bucket"): _create_bucket,
    ("DELETE", "bucket"): _delete_bucket,
    ("GET", "object"): _get_object,
    ("HEAD", "object"): _get_object,
    ("PUT", "object"): _put_object,
    ("DELETE", "object"): _delete_object,
}
