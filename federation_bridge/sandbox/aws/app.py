"""One Flask application for every service, and how it is served: which service a request is for, and its answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal
from urllib.parse import parse_qsl

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from federation_bridge.sandbox.aws import faults, s3, s3_request
from federation_bridge.sandbox.aws.answers import json_refusal, query_refusal, s3_refusal
from federation_bridge.sandbox.aws.cloudtrail.events import event_of, identity_of
from federation_bridge.sandbox.aws.cloudtrail.lookup import answer_lookup
from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.iam import service as iam
from federation_bridge.sandbox.aws.local_aws import LocalAws
from federation_bridge.sandbox.aws.parameters import Parameters
from federation_bridge.sandbox.aws.signature_v4 import Claim, Signed, authenticate, read_claim
from federation_bridge.sandbox.aws.signin import PATHS, SigninRequest, answer_signin
from federation_bridge.sandbox.aws.sts import service as sts
from federation_bridge.sandbox.aws.sts.handing_out import Call
from federation_bridge.sandbox.aws.wire import Answer, Trail, Wire
from federation_bridge.sandbox.serving import Served, serve

_log = logging.getLogger(__name__)
_MAX_BODY = 32 * 1024 * 1024
_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
_DEFAULT_REGION = "us-east-1"

Service = Literal["sts", "iam", "s3", "cloudtrail", "signin", "own"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with what is known of it before anything is believed: its service, and its claim of a signature."""

    wire: Wire
    service: Service
    claim: Claim | None

    @property
    def region(self) -> str:
        """The region that the request is signed for."""
        return self.claim.region if self.claim else _DEFAULT_REGION


def create_local_aws(local: LocalAws, own_address: str) -> Flask:
    """The application. It answers every request, whatever is in it, with something that AWS's clients understand."""
    app = Flask(__name__, template_folder="templates", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY
    app.url_map.merge_slashes = False

    def answered(rest: str = "") -> Response:
        del rest
        return _response(_answer(local, _wire(local), own_address))

    def unanswerable(problem: HTTPException) -> Response:
        refused = Refused("BadRequest", problem.description or "Bad request", problem.code or 400)
        body = s3_refusal(refused, request.path, local.state.new_request_id())
        return Response(body, refused.status, content_type="application/xml")

    for rule in ("/", "/<path:rest>"):
        app.add_url_rule(rule, f"answered {rule}", answered, methods=_METHODS, provide_automatic_options=False)
    app.register_error_handler(HTTPException, unanswerable)
    return app


def serve_local_aws(
    local: LocalAws, *, host: str = "127.0.0.1", port: int = 0, allow_beyond_loopback: bool = False
) -> Served:
    """Serves a local AWS from threads of this process; as `sandbox.serving.serve` does."""
    return serve(
        lambda address: create_local_aws(local, address),
        host=host,
        port=port,
        allow_beyond_loopback=allow_beyond_loopback,
    )


def _wire(local: LocalAws) -> Wire:
    raw = request.environ.get("REQUEST_URI") or request.full_path
    path, _, query = raw.partition("?")
    if not path.startswith("/"):
        path = "/" + path.partition("://")[2].partition("/")[2]
    return Wire(
        request.method,
        path,
        query,
        {name.lower(): value for name, value in request.headers.items()},
        request.get_data(cache=False),
        request.remote_addr or "",
        local.state.now(),
        local.state.new_request_id(),
        request.is_secure,
    )


def _response(answer: Answer) -> Response:
    response = Response(answer.body, answer.status, content_type=answer.content_type)
    response.headers.extend(answer.headers)
    if answer.status == HTTPStatus.NO_CONTENT:
        del response.headers["Content-Type"]
    return response


def _answer(local: LocalAws, wire: Wire, own_address: str) -> Answer:
    trail = Trail()
    asked = Asked(wire, "s3", None)
    refused: Refused | None = None
    fault: faults.Fault | None = None
    try:
        asked = _asked(wire)
        if asked.service != "own":
            fault = local.faults.strike(asked.service, _action(asked), asked.region)
        answer = _HANDLERS[asked.service](local, asked, trail, own_address)
        if asked.service == "iam" or (asked.service == "s3" and wire.method not in {"GET", "HEAD"}):
            local.after_change()
    except Refused as found:
        _log.debug("%s refused: %s: %s", asked.service, found.code, found.message)
        refused, answer = found, _refusal(asked, found)
    if trail.name and trail.account_id in local.state.accounts:
        local.events.record(event_of(asked.service, asked.region, wire, trail, refused))
    answer = faults.struck_answer(answer, fault)
    identifier = "x-amz-request-id" if asked.service == "s3" else "x-amzn-RequestId"
    return Answer(answer.body, answer.status, answer.content_type, {**answer.headers, identifier: wire.request_id})


def _action(asked: Asked) -> str:
    if asked.service == "s3":
        return s3_request.operation(asked.wire.method, *s3_request.address(asked.wire))
    if asked.service == "cloudtrail":
        return asked.wire.headers.get("x-amz-target", "").rpartition(".")[2]
    return "" if asked.service == "signin" else asked.wire.fields().get("Action", "")


def _asked(wire: Wire) -> Asked:
    if wire.path == faults.PATH:
        return Asked(wire, "own", None)
    if wire.path.startswith(PATHS) and "authorization" not in wire.headers and "X-Amz-Signature" not in wire.query:
        return Asked(wire, "signin", None)
    claim = _readable_claim(wire)
    if claim is not None and claim.service in _SIGNED_SERVICES:
        return Asked(wire, _SIGNED_SERVICES[claim.service], claim)
    if wire.path == "/" and (wire.method == "POST" or "Action=" in wire.query):
        return Asked(wire, "sts", claim)
    return Asked(wire, "s3", claim)


_SIGNED_SERVICES: dict[str, Service] = {"sts": "sts", "iam": "iam", "s3": "s3", "cloudtrail": "cloudtrail"}


def _readable_claim(wire: Wire) -> Claim | None:
    try:
        return read_claim(wire)
    except Refused as refused:
        if wire.path == "/" and wire.method == "POST":
            raise _QueryRefused(refused) from None
        raise


class _QueryRefused(Refused):
    """A refusal before the service was known, of a request that speaks the query protocol."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.code, refused.message, refused.status)


def _refusal(asked: Asked, refused: Refused) -> Answer:
    if asked.service == "s3" and not isinstance(refused, _QueryRefused):
        body = b"" if asked.wire.method == "HEAD" else s3_refusal(refused, asked.wire.path, asked.wire.request_id)
        return Answer(body, refused.status, "application/xml")
    if asked.service == "cloudtrail":
        return Answer(json_refusal(refused), refused.status, "application/x-amz-json-1.1")
    namespace = iam.NAMESPACE if asked.service == "iam" else sts.NAMESPACE
    return Answer(query_refusal(namespace, refused, asked.wire.request_id), refused.status)


def _answer_sts(local: LocalAws, asked: Asked, trail: Trail, _own_address: str) -> Answer:
    fields = asked.wire.fields()
    trail.name = fields.get("Action", "")
    call = Call(local.state, asked.wire, Parameters(fields), trail, asked.region, local.mode == "paranoid")
    return sts.answer_sts(trail.name, call, lambda: _signed(local, asked, trail).caller, local.keys)


def _signed(local: LocalAws, asked: Asked, trail: Trail) -> Signed:
    signed = authenticate(asked.wire, asked.claim, asked.service, local.state)
    trail.identity, trail.account_id = identity_of(signed.caller), signed.caller.account_id
    return signed


def _answer_iam(local: LocalAws, asked: Asked, trail: Trail, _own_address: str) -> Answer:
    fields = asked.wire.fields()
    trail.name = fields.get("Action", "")
    call = Call(local.state, asked.wire, Parameters(fields), trail, asked.region)
    return iam.answer_iam(trail.name, call, _signed(local, asked, trail).caller)


def _answer_s3(local: LocalAws, asked: Asked, trail: Trail, _own_address: str) -> Answer:
    bucket, key = s3_request.address(asked.wire)
    trail.name = s3_request.operation(asked.wire.method, bucket, key)
    signed = _signed(local, asked, trail)
    query = dict(parse_qsl(asked.wire.query, keep_blank_values=True))
    return s3.answer_s3(s3_request.S3Request(local.state, asked.wire, signed, trail, bucket, key, query))


def _answer_cloudtrail(local: LocalAws, asked: Asked, trail: Trail, _own_address: str) -> Answer:
    caller = _signed(local, asked, trail).caller
    return answer_lookup(asked.wire, caller, asked.region, local.events, trail)


def _answer_signin(local: LocalAws, asked: Asked, trail: Trail, own_address: str) -> Answer:
    is_paranoid = local.mode == "paranoid"
    return answer_signin(SigninRequest(local.state, local.consoles, asked.wire, trail, own_address, is_paranoid))


def _answer_own(local: LocalAws, asked: Asked, _trail: Trail, _own_address: str) -> Answer:
    return faults.answer_faults(local.faults, asked.wire)


_HANDLERS: dict[Service, Callable[[LocalAws, Asked, Trail, str], Answer]] = {
    "sts": _answer_sts,
    "iam": _answer_iam,
    "cloudtrail": _answer_cloudtrail,
    "s3": _answer_s3,
    "signin": _answer_signin,
    "own": _answer_own,
}
