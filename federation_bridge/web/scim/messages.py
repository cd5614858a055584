"""Messages: a body that is one plain JSON object, answers as `application/scim+json`, refusals in SCIM's own form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Response, g, request
from pydantic import ValidationError
from scim2_models import Error, SCIMException

from federation_bridge.connectors.oidc.strict_json import strict_object
from federation_bridge.errors import BridgeError, NotFound, ScimRefused, SignInRejected
from federation_bridge.model import JsonObject
from federation_bridge.web.door import request_origin
from federation_bridge.web.scim.resources import POLICY

KIND = "application/scim+json"
_TAKEN = {KIND, "application/json"}
_UNAUTHORIZED, _UNSUPPORTED, _FAILED, _NOT_CHANGED, _CREATED = 401, 415, 412, 304, 201
_LONGEST_DETAIL = 300


def body() -> JsonObject:
    """The JSON object that was sent; ScimRefused where two readers could read it differently, or it is too deep."""
    if request.mimetype not in _TAKEN:
        raise ScimRefused(f"the body is sent as {KIND}", status=_UNSUPPORTED)
    try:
        return strict_object(request.get_data(), "the body")
    except SignInRejected as problem:
        raise ScimRefused(problem.detail, "invalidSyntax") from None


def demand_schema(document: JsonObject, urn: str) -> None:
    """ScimRefused where the body does not say that it is of this schema (RFC 7643 3)."""
    named = document.get("schemas")
    if not isinstance(named, list) or urn.lower() not in {str(one).lower() for one in named}:
        raise ScimRefused(f"schemas names {urn}", "invalidSyntax")


@contextmanager
def read_as_scim() -> Iterator[None]:
    """What the library refuses in here is told as the client's mistake."""
    try:
        with POLICY:
            yield
    except SCIMException as problem:
        raise ScimRefused(_short(problem.detail), problem.scim_type, problem.status) from None
    except ValidationError as problem:
        first = Error.from_validation_errors(problem)[0]
        raise ScimRefused(_short(first.detail), first.scim_type or "", first.status or 400) from None
    except RecursionError:
        raise ScimRefused("it is nested too deeply", "invalidSyntax") from None


def _short(detail: str | None) -> str:
    return (detail or "it does not fit the schema")[:_LONGEST_DETAIL]


def answer(document: JsonObject, status: int = 200) -> Response:
    """An answer; one resource with the entity tag of what it holds."""
    text = json.dumps(document, separators=(",", ":"))
    response = Response(text, status=status, content_type=KIND)
    location, version = document.get("meta", {}).get("location"), document.get("meta", {}).get("version")
    if location:
        response.headers["Location" if status == _CREATED else "Content-Location"] = location
    if version:
        response.headers["ETag"] = version
    return response


def nothing() -> Response:
    """The answer where there is nothing to tell."""
    response = Response(status=204)
    response.headers.pop("Content-Type", None)
    return response


def with_version(document: JsonObject) -> JsonObject:
    """A resource with its version: a digest of all that it tells, so that it is another one whenever that is."""
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]
    return {**document, "meta": {**document.get("meta", {}), "version": f'W/"{digest}"'}}


def demand_version(make: Callable[[], JsonObject]) -> None:
    """ScimRefused where the client says that it changes another version than `make` gives (RFC 7644 3.14)."""
    if request.if_match and not request.if_match.contains_weak(_tag(make())):
        raise ScimRefused("another version is there by now", status=_FAILED)


def not_changed(make: Callable[[], JsonObject]) -> Response | None:
    """The answer where the client has the version already that `make` gives; None where it has another, or none."""
    if not request.if_none_match:
        return None
    document = make()
    if not request.if_none_match.contains_weak(_tag(document)):
        return None
    response = Response(status=_NOT_CHANGED)
    response.headers["ETag"] = document["meta"]["version"]
    return response


def _tag(document: JsonObject) -> str:
    return str(document["meta"]["version"]).removeprefix("W/").strip('"')


def refused(refusal: BridgeError) -> Response:
    """A refusal as RFC 7644 3.12 writes it. The detail is for whoever has the token alone."""
    is_told = "scim_client" in g and isinstance(refusal, ScimRefused | NotFound)
    sentence = refusal.detail if is_told else refusal.public
    document: JsonObject = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": str(refusal.status),
        "detail": f"{sentence} ({request_origin().reference})",
    }
    if isinstance(refusal, ScimRefused) and refusal.scim_type:
        document["scimType"] = refusal.scim_type
    response = Response(json.dumps(document), status=refusal.status, content_type=KIND)
    if refusal.status == _UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="scim"'
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response
