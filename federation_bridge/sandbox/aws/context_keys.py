"""Global context keys of a request (IAM's reference of global condition keys), for trust and permission policies."""

from __future__ import annotations

from collections.abc import Mapping

from federation_bridge.sandbox.aws.answers import instant
from federation_bridge.sandbox.aws.session_terms import SessionTags
from federation_bridge.sandbox.aws.wire import Wire


def of_request(wire: Wire, region: str) -> dict[str, tuple[str, ...]]:
    """Keys that say when, whence and how a request came."""
    keys: dict[str, tuple[str, ...]] = {
        "aws:currenttime": (instant(wire.received_at),),
        "aws:epochtime": (str(int(wire.received_at.timestamp())),),
        "aws:sourceip": (wire.source_ip,),
        "aws:securetransport": ("true" if wire.is_secure else "false",),
        "aws:requestedregion": (region,),
        "aws:viaawsservice": ("false",),
    }
    for key, header in (("aws:useragent", "user-agent"), ("aws:referer", "referer")):
        if header in wire.headers:
            keys[key] = (wire.headers[header],)
    return keys


def of_request_tags(tags: SessionTags) -> dict[str, tuple[str, ...]]:
    """Keys for session tags that a caller asks for; absent where it asks for none."""
    keys: dict[str, tuple[str, ...]] = {f"aws:requesttag/{key.lower()}": (text,) for key, text in tags.tags.items()}
    if tags.tags:
        keys["aws:tagkeys"] = tuple(tags.tags)
    if tags.transitive:
        keys["sts:transitivetagkeys"] = tags.transitive
    return keys


def of_resource_tags(tags: Mapping[str, str], prefix: str = "aws:resourcetag/") -> dict[str, tuple[str, ...]]:
    """Keys for the tags of the resource that is asked for."""
    return {f"{prefix}{key.lower()}": (text,) for key, text in tags.items()}
