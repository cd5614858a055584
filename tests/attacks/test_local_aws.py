# ruff: noqa: F811 - fixtures are named where they are asked for
"""Attacks on the local AWS: signatures of requests that are forged, old or of somebody else, beside valid ones."""

# ruff: noqa: E501 - the rows of a table stay on one line

from __future__ import annotations

import hashlib
import hmac
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from local_aws_factories import ServedAws, allow
from local_aws_fixtures import served_aws  # noqa: F401 - a fixture
from shared_local_aws import code_of, shared  # noqa: F401 - a fixture

EMPTY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Draft:
    """A request signed by hand, so that every part of it can be wrong."""

    credentials: Mapping[str, str]
    method: str = "GET"
    path: str = "/reports/a.txt"
    query: str = ""
    body: bytes = b""
    service: str = "s3"
    region: str = "us-east-1"
    at: Any = None
    scope_date: str | None = None
    signed: tuple[str, ...] = ("host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token")
    headers: Mapping[str, str] = field(default_factory=dict)
    """Laid over the right ones before signing."""
    late: Mapping[str, str] = field(default_factory=dict)
    """Laid over them after signing."""
    algorithm: str = "AWS4-HMAC-SHA256"
    signature: str | None = None


def _key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _headers(served_aws: ServedAws, draft: Draft) -> dict[str, str]:
    moment = (draft.at or served_aws.clock()).strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "host": served_aws.address.removeprefix("http://"),
        "x-amz-date": moment,
        "x-amz-content-sha256": hashlib.sha256(draft.body).hexdigest(),
    }
    if draft.credentials.get("SessionToken"):
        headers["x-amz-security-token"] = draft.credentials["SessionToken"]
    return {**headers, **draft.headers}


def _sent(served_aws: ServedAws, draft: Draft) -> requests.Response:
    headers = _headers(served_aws, draft)
    names = [name for name in draft.signed if name in headers]
    canonical = "\n".join(
        (
            draft.method,
            draft.path,
            draft.query,
            "".join(f"{name}:{headers[name]}\n" for name in names),
            ";".join(names),
            headers["x-amz-content-sha256"],
        )
    )
    moment = headers["x-amz-date"]
    scope = f"{draft.scope_date or moment[:8]}/{draft.region}/{draft.service}/aws4_request"
    to_sign = "\n".join(("AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = _key(draft.credentials["SecretAccessKey"], scope[:8], draft.region, draft.service)
    signature = draft.signature or hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"{draft.algorithm} Credential={draft.credentials['AccessKeyId']}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    headers.update(draft.late)
    address = served_aws.address + draft.path + (f"?{draft.query}" if draft.query else "")
    with requests.Session() as session:
        session.trust_env = False
        return session.request(draft.method, address, data=draft.body, headers=headers)


def test_a_request_signed_by_hand_is_taken(shared: ServedAws) -> None:
    assert _sent(shared, Draft(shared.credentials())).text == "hello"


@pytest.mark.parametrize(
    ("changes", "code", "status"),
    [
        ({"signature": "0" * 64}, "SignatureDoesNotMatch", 403),
        ({"late": {"x-amz-date": "20200101T000000Z"}}, "SignatureDoesNotMatch", 403),
        ({"late": {"x-amz-content-sha256": "0" * 64}}, "SignatureDoesNotMatch", 403),
        ({"headers": {"x-amz-content-sha256": "0" * 64}}, "XAmzContentSHA256Mismatch", 400),
        ({"late": {"x-amz-meta-added": "1"}}, "AccessDenied", 403),
        ({"signed": ("x-amz-content-sha256", "x-amz-date", "x-amz-security-token")}, "AccessDenied", 403),
        ({"signed": ("host", "x-amz-content-sha256", "x-amz-security-token")}, "AccessDenied", 403),
        ({"service": "sts"}, "", 404),
        ({"service": "ec2"}, "SignatureDoesNotMatch", 403),
        ({"scope_date": "20200101"}, "SignatureDoesNotMatch", 403),
        ({"algorithm": "AWS4-HMAC-SHA512"}, "IncompleteSignature", 400),
        ({"late": {"authorization": "AWS4-HMAC-SHA256"}}, "IncompleteSignature", 400),
        ({"late": {"authorization": "Bearer x"}}, "IncompleteSignature", 400),
        ({"headers": {"x-amz-date": "20261399T000000Z"}}, "IncompleteSignature", 400),
        ({"headers": {"x-amz-date": "now"}}, "IncompleteSignature", 400),
        ({"late": {"x-amz-security-token": "other"}}, "InvalidToken", 400),
        ({"headers": {"x-amz-security-token": ""}}, "InvalidToken", 400),
    ],
    ids=str,
)
def test_a_request_that_is_not_signed_as_it_is_sent_is_refused(
    changes: dict[str, Any], code: str, status: int, shared: ServedAws
) -> None:
    answer = _sent(shared, replace(Draft(shared.credentials()), **changes))
    if code:
        assert (code_of(answer), answer.status_code) == (code, status)
    assert 400 <= answer.status_code < 500
    assert "hello" not in answer.text


def test_a_body_that_was_exchanged_is_refused(shared: ServedAws) -> None:
    draft = Draft(shared.credentials(), "PUT", "/reports/new.txt", body=b"honest")
    assert _sent(shared, draft).status_code == 200
    assert (
        code_of(_sent(shared, replace(draft, headers={"x-amz-content-sha256": EMPTY}))) == "XAmzContentSHA256Mismatch"
    )


@pytest.mark.parametrize(("minutes", "is_taken"), [(0, True), (14, True), (-14, True), (16, False), (-16, False)])
def test_an_old_signature_is_not_taken_again(minutes: int, is_taken: bool, shared: ServedAws) -> None:
    draft = Draft(shared.credentials(), at=shared.clock() + timedelta(minutes=minutes))
    answer = _sent(shared, draft)
    assert answer.status_code == (200 if is_taken else 403)
    assert is_taken or code_of(answer) == "RequestTimeTooSkewed"


def test_unknown_keys_and_keys_of_others_open_nothing(shared: ServedAws) -> None:
    one, other = shared.credentials(), shared.credentials()
    assert code_of(_sent(shared, Draft({**one, "AccessKeyId": "ASIAAAAAAAAAAAAAAAAA"}))) == "InvalidAccessKeyId"
    assert (
        code_of(_sent(shared, Draft({**one, "SecretAccessKey": other["SecretAccessKey"]}))) == "SignatureDoesNotMatch"
    )
    assert code_of(_sent(shared, Draft({**one, "SessionToken": other["SessionToken"]}))) == "InvalidToken"


def test_a_long_term_key_with_a_token_is_refused(served_aws: ServedAws) -> None:
    keys = served_aws.user("operator", allow("s3:*"))
    assert _sent(served_aws, Draft(keys)).status_code == 200
    assert code_of(_sent(served_aws, Draft({**keys, "SessionToken": "x"}))) == "InvalidToken"


@pytest.mark.parametrize("path", ["/reports/%2e%2e/a.txt", "/reports//a.txt", "/reports/a%2Etxt/../a.txt"])
def test_a_path_is_taken_as_it_was_sent(path: str, shared: ServedAws) -> None:
    draft = Draft(shared.credentials(), path=path)
    with socket.create_connection(("127.0.0.1", int(shared.address.rpartition(":")[2])), timeout=60) as connection:
        headers = _headers(shared, draft)
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "Connection: close"]
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b" 403 " in answer.partition(b"\r\n")[0]


def test_presigned_addresses_end(served_aws: ServedAws) -> None:
    s3 = served_aws.client("s3", served_aws.credentials(), signature_version="s3v4")
    address = s3.generate_presigned_url("get_object", {"Bucket": "reports", "Key": "a.txt"}, ExpiresIn=60)
    assert requests.get(address).text == "hello"
    assert code_of(requests.get(address.replace("a.txt", "team/b.txt"))) == "SignatureDoesNotMatch"
    assert code_of(requests.get(address.replace("Expires=60", "Expires=600"))) == "SignatureDoesNotMatch"
    assert (
        code_of(requests.get(address.replace("Expires=60", "Expires=6000000"))) == "AuthorizationQueryParametersError"
    )
    served_aws.clock.now += timedelta(seconds=62)
    assert code_of(requests.get(address)) == "AccessDenied"


def test_chunks_are_believed_only_with_their_own_signatures(served_aws: ServedAws) -> None:
    def put(second: bytes) -> requests.Response:
        credentials = served_aws.credentials()
        streaming = {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "x-amz-decoded-content-length": "10"}
        draft = Draft(credentials, "PUT", "/reports/stream", headers=streaming, signed=(*Draft({}).signed, "x-amz-decoded-content-length"))  # fmt: skip
        draft = replace(draft, signed=tuple(sorted(draft.signed)))
        headers = _headers(served_aws, draft)
        moment, scope = headers["x-amz-date"], f"{headers['x-amz-date'][:8]}/us-east-1/s3/aws4_request"
        key = _key(credentials["SecretAccessKey"], scope[:8], "us-east-1", "s3")
        names = sorted(headers)
        canonical = "\n".join(("PUT", "/reports/stream", "", "".join(f"{n}:{headers[n]}\n" for n in names), ";".join(names), streaming["x-amz-content-sha256"]))  # fmt: skip
        to_sign = "\n".join(("AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()))
        seed = previous = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
        body = b""
        for chunk, sent in ((b"first", b"first"), (b"again", second), (b"", b"")):
            text = "\n".join(("AWS4-HMAC-SHA256-PAYLOAD", moment, scope, previous, EMPTY, hashlib.sha256(chunk).hexdigest()))  # fmt: skip
            previous = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
            body += f"{len(sent):x};chunk-signature={previous}\r\n".encode() + sent + b"\r\n"
        authorization = f"AWS4-HMAC-SHA256 Credential={credentials['AccessKeyId']}/{scope}, SignedHeaders={';'.join(names)}, Signature={seed}"
        return requests.put(f"{served_aws.address}/reports/stream", data=body, headers={**headers, "authorization": authorization})  # fmt: skip

    assert put(b"again").status_code == 200
    assert served_aws.local.state.buckets["reports"].objects["stream"].body == b"firstagain"
    assert code_of(put(b"other")) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("action", ["GetCallerIdentity", "AssumeRole", "GetSessionToken", "GetFederationToken"])
def test_calls_that_must_be_signed_are_refused_unsigned(action: str, shared: ServedAws) -> None:
    answer = requests.post(shared.address, data={"Action": action, "Version": "2011-06-15"})
    assert (code_of(answer), answer.status_code) == ("MissingAuthenticationToken", 403)
