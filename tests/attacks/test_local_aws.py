# ruff: noqa: F811 - fixtures are named where they are asked for
"""Attacks on the local AWS: forged signatures of requests, forged assertions, and whatever else comes over a socket.

Each has its valid twin; none may end in a 500, and none may take long.
"""

# ruff: noqa: E501 - the rows of a table stay on one line

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import requests
from local_aws_factories import SAML, ServedAws, allow, refusal, response, served, signer
from local_aws_fixtures import served_aws  # noqa: F401 - a fixture
from lxml import etree

from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.xml_gate import Unreadable, read_document
from federation_bridge.sandbox.identity_provider import saml_message
from federation_bridge.sandbox.identity_provider.saml_message import SignatureShape

EMPTY = hashlib.sha256(b"").hexdigest()


@pytest.fixture(scope="module")
def shared() -> Iterator[ServedAws]:
    with served() as made:
        yield made


# ------------------------------------------------------------------------------------------- signatures of requests


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


def _code(answer: requests.Response) -> str:
    found = re.search(r"<Code>(\w+)</Code>", answer.text)
    return found[1] if found else ""


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
        assert (_code(answer), answer.status_code) == (code, status)
    assert 400 <= answer.status_code < 500
    assert "hello" not in answer.text


def test_a_body_that_was_exchanged_is_refused(shared: ServedAws) -> None:
    draft = Draft(shared.credentials(), "PUT", "/reports/new.txt", body=b"honest")
    assert _sent(shared, draft).status_code == 200
    assert _code(_sent(shared, replace(draft, headers={"x-amz-content-sha256": EMPTY}))) == "XAmzContentSHA256Mismatch"


@pytest.mark.parametrize(("minutes", "is_taken"), [(0, True), (14, True), (-14, True), (16, False), (-16, False)])
def test_an_old_signature_is_not_taken_again(minutes: int, is_taken: bool, shared: ServedAws) -> None:
    draft = Draft(shared.credentials(), at=shared.clock() + timedelta(minutes=minutes))
    answer = _sent(shared, draft)
    assert answer.status_code == (200 if is_taken else 403)
    assert is_taken or _code(answer) == "RequestTimeTooSkewed"


def test_unknown_keys_and_keys_of_others_open_nothing(shared: ServedAws) -> None:
    one, other = shared.credentials(), shared.credentials()
    assert _code(_sent(shared, Draft({**one, "AccessKeyId": "ASIAAAAAAAAAAAAAAAAA"}))) == "InvalidAccessKeyId"
    assert _code(_sent(shared, Draft({**one, "SecretAccessKey": other["SecretAccessKey"]}))) == "SignatureDoesNotMatch"
    assert _code(_sent(shared, Draft({**one, "SessionToken": other["SessionToken"]}))) == "InvalidToken"


def test_a_long_term_key_with_a_token_is_refused(served_aws: ServedAws) -> None:
    keys = served_aws.user("operator", allow("s3:*"))
    assert _sent(served_aws, Draft(keys)).status_code == 200
    assert _code(_sent(served_aws, Draft({**keys, "SessionToken": "x"}))) == "InvalidToken"


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
    assert _code(requests.get(address.replace("a.txt", "team/b.txt"))) == "SignatureDoesNotMatch"
    assert _code(requests.get(address.replace("Expires=60", "Expires=600"))) == "SignatureDoesNotMatch"
    assert _code(requests.get(address.replace("Expires=60", "Expires=6000000"))) == "AuthorizationQueryParametersError"
    served_aws.clock.now += timedelta(seconds=62)
    assert _code(requests.get(address)) == "AccessDenied"


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
    assert _code(put(b"other")) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("action", ["GetCallerIdentity", "AssumeRole", "GetSessionToken", "GetFederationToken"])
def test_calls_that_must_be_signed_are_refused_unsigned(action: str, shared: ServedAws) -> None:
    answer = requests.post(shared.address, data={"Action": action, "Version": "2011-06-15"})
    assert (_code(answer), answer.status_code) == ("MissingAuthenticationToken", 403)


# -------------------------------------------------------------------------------------------------- forged assertions


def _text(served_aws: ServedAws) -> bytes:
    return base64.b64decode(response(served_aws.message(), signer()))


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _wrapped(served_aws: ServedAws) -> bytes:
    """The signed assertion moved into an extension; a forged twin stands in its place."""
    tree = etree.fromstring(_text(served_aws))
    genuine = tree.find(f"{SAML}Assertion")
    assert genuine is not None
    forged = etree.fromstring(etree.tostring(genuine))
    forged.set("ID", "_forged")
    signature = forged.find(f"{{{saml_message.SIGNATURE}}}Signature")
    assert signature is not None
    forged.remove(signature)
    extensions = etree.SubElement(tree, f"{{{saml_message.PROTOCOL}}}Extensions")
    tree.replace(genuine, forged)
    extensions.append(genuine)
    return etree.tostring(tree)


def _twin_inside_signature(served_aws: ServedAws) -> bytes:
    tree = etree.fromstring(_text(served_aws))
    genuine = tree.find(f"{SAML}Assertion")
    assert genuine is not None
    signature = genuine.find(f"{{{saml_message.SIGNATURE}}}Signature")
    assert signature is not None
    forged = etree.fromstring(etree.tostring(genuine))
    forged.set("ID", "_forged")
    inner = forged.find(f"{{{saml_message.SIGNATURE}}}Signature")
    assert inner is not None
    forged.replace(inner, signature)
    tree.replace(genuine, forged)
    etree.SubElement(signature, f"{{{saml_message.SIGNATURE}}}Object").append(genuine)
    return etree.tostring(tree)


def _same_id(served_aws: ServedAws) -> bytes:
    tree = etree.fromstring(_text(served_aws))
    genuine = tree.find(f"{SAML}Assertion")
    assert genuine is not None
    tree.insert(0, etree.fromstring(etree.tostring(genuine).replace(b">alice<", b">bobby<")))
    return etree.tostring(tree)


def _stray_signature(served_aws: ServedAws) -> bytes:
    """A second signature where none belongs; the genuine one still covers its assertion."""
    tree = etree.fromstring(_text(served_aws))
    signature = tree.find(f".//{{{saml_message.SIGNATURE}}}Signature")
    assert signature is not None
    extensions = etree.SubElement(tree, f"{{{saml_message.PROTOCOL}}}Extensions")
    extensions.append(etree.fromstring(etree.tostring(signature)))
    return etree.tostring(tree)


def _shared_id(served_aws: ServedAws) -> bytes:
    return base64.b64decode(response(served_aws.message(response_id="_same", assertion_id="_same"), signer()))


def _insert(served_aws: ServedAws, text: bytes) -> bytes:
    return _text(served_aws).replace(b">alice<", b">ali" + text + b"ce<")


FORGERIES: dict[str, Callable[[ServedAws], Any]] = {
    "wrapped": _wrapped,
    "twin inside the signature": _twin_inside_signature,
    "the same ID twice": _same_id,
    "one ID for both": _shared_id,
    "a stray signature": _stray_signature,
    "an instruction before the root": lambda served_aws: b"<?x?>" + _text(served_aws),
    "a comment before the root": lambda served_aws: b"<!-- -->" + _text(served_aws),
    "a comment in the name": lambda served_aws: _insert(served_aws, b"<!-- -->"),
    "an instruction in the name": lambda served_aws: _insert(served_aws, b"<?x?>"),
    "an entity": lambda served_aws: b'<!DOCTYPE r [<!ENTITY x "y">]>' + _insert(served_aws, b"&x;"),
    "a bare DOCTYPE": lambda served_aws: b"<!DOCTYPE r>" + _text(served_aws),
    "an external entity": lambda served_aws: (
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + _insert(served_aws, b"&x;")
    ),
    "UTF-16": lambda served_aws: _text(served_aws).decode().encode("utf-16"),
    "a declared encoding": lambda served_aws: b'<?xml version="1.0" encoding="UTF-7"?>' + _text(served_aws),
    "a byte order mark twice": lambda served_aws: b"\xef\xbb\xbf\xef\xbb\xbf" + _text(served_aws),
    "nothing": lambda _place: b"",
    "no XML": lambda _place: b"\x00\xff",
    "another root": lambda _place: b"<a/>",
    "deep": lambda _place: b"<a>" * 5000 + b"</a>" * 5000,
    "many attributes": lambda _place: b"<a " + b" ".join(b"a%d=''" % n for n in range(5000)) + b"/>",
    "many namespaces": lambda _place: b"<a " + b" ".join(b"xmlns:a%d='u:%d'" % (n, n) for n in range(2000)) + b"/>",
    "many elements": lambda _place: b"<a>" + b"<b/>" * 9_000 + b"</a>",
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_message_is_refused_as_aws_refuses_it(name: str, shared: ServedAws) -> None:
    text = _b64(FORGERIES[name](shared))
    code, _, status = refusal(lambda: shared.assume(text or "===="))
    assert (code, status) == ("InvalidIdentityToken", 400)


ENVELOPED, EXCLUSIVE = saml_message.ENVELOPED, saml_message.EXCLUSIVE
SHAPES = {
    "the whole document": SignatureShape(uri=""),
    "a file": SignatureShape(uri="file:///etc/passwd"),
    "a pointer": SignatureShape(uri="#xpointer(/)"),
    "inclusive canonicalisation": SignatureShape(c14n="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
    "only one transform": SignatureShape(transforms=(EXCLUSIVE,)),
    "a path filter": SignatureShape(transforms=(ENVELOPED, "http://www.w3.org/TR/1999/REC-xpath-19991116")),
    "MD5": SignatureShape(digest_method="http://www.w3.org/2001/04/xmldsig-more#md5"),
    "a mac": SignatureShape(signature_method="http://www.w3.org/2000/09/xmldsig#hmac-sha256"),
    "many prefixes": SignatureShape(prefix_list=" ".join(f"p{n}" for n in range(2000))),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_signature_of_another_shape_is_refused_before_it_is_verified(name: str, shared: ServedAws) -> None:
    text = _text(shared)
    tree = etree.fromstring(text)
    shape = SHAPES[name]
    signature = tree.find(f".//{{{saml_message.SIGNATURE}}}Signature")
    assert signature is not None
    parent = signature.getparent()
    assert parent is not None
    other = saml_message.signature_template(parent, "entra", shape)
    for value in ("DigestValue", "SignatureValue"):
        wanted = other.find(f".//{{{saml_message.SIGNATURE}}}{value}")
        genuine = signature.find(f".//{{{saml_message.SIGNATURE}}}{value}")
        assert wanted is not None
        assert genuine is not None
        wanted.text = genuine.text
    parent.replace(signature, other)
    code, message, _ = refusal(lambda: shared.assume(_b64(etree.tostring(tree))))
    assert code == "InvalidIdentityToken"
    assert message.startswith("Invalid base64 SAMLResponse")


def test_the_gate_lets_an_ordinary_message_through_and_says_why_not_otherwise(shared: ServedAws) -> None:
    assert read_document(_text(shared)).tag.endswith("}Response")
    with pytest.raises(Unreadable, match="more bytes"):
        read_document(b"<a/>", max_bytes=3)


def test_a_ciphertext_elsewhere_is_never_fetched(served_aws: ServedAws) -> None:
    key = signer("decrypts")
    provisioning.change_saml_provider(
        served_aws.local.state, served_aws.account, "bridge", add_private_key=key.private_pem.decode()
    )
    text = base64.b64decode(response(served_aws.message(encrypt_to=key.certificate_pem), signer())).decode()
    assert served_aws.assume(_b64(text.encode()))["Subject"] == "alice"
    reference = '<xenc:CipherReference URI="file:///dev/zero"/>'
    changed = re.sub(r"<xenc:CipherValue>[^<]*</xenc:CipherValue>", reference, text)
    assert changed != text
    assert refusal(lambda: served_aws.assume(_b64(changed.encode())))[0] == "InvalidIdentityToken"
    weak = text.replace("http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p", "http://www.w3.org/2001/04/xmlenc#rsa-1_5")
    assert weak != text
    assert refusal(lambda: served_aws.assume(_b64(weak.encode())))[0] == "InvalidIdentityToken"


# ------------------------------------------------------------------------------------------------------- bad input


REQUESTS: list[tuple[str, str, dict[str, str], bytes]] = [
    ("POST", "/", {}, b""),
    ("POST", "/", {}, b"\xff\xfe\x00"),
    ("POST", "/", {}, b"Action=AssumeRoleWithSAML&Action=AssumeRole"),
    ("POST", "/", {}, b"&".join(b"a%d=1" % n for n in range(2000))),
    ("POST", "/", {}, urlencode({"Action": "Nothing", "Version": "2011-06-15"}).encode()),
    ("POST", "/", {}, urlencode({"Action": "AssumeRoleWithSAML", "RoleArn": "\x00" * 20}).encode()),
    ("POST", "/", {}, b"Action=AssumeRole&Tags.member.x.Key=1"),
    ("POST", "/", {"x-amz-target": "CloudTrail_20131101.LookupEvents"}, b"{"),
    ("POST", "/", {"content-type": "multipart/form-data; boundary=x"}, b"--x"),
    ("GET", "/?Action=GetCallerIdentity", {}, b""),
    ("GET", "/?X-Amz-Signature=x", {}, b""),
    ("GET", "/?X-Amz-Signature=x&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=0", {}, b""),
    ("GET", "/reports/%ff", {}, b""),
    ("GET", "/re%00ports", {}, b""),
    ("GET", "//", {}, b""),
    ("PATCH", "/reports", {}, b""),
    ("OPTIONS", "/reports", {}, b""),
    ("GET", "/reports", {"authorization": "AWS4-HMAC-SHA256 " + "a" * 5000}, b""),
    ("GET", "/console", {"cookie": "local-aws-console=\xe9; ;;="}, b""),
    ("POST", "/federation", {}, b"Action=login&SigninToken=%ff"),
    ("POST", "/saml", {}, b"SAMLResponse=%00"),
    ("POST", "/saml", {}, b"SAMLResponse=PGE%2BPC9hPg%3D%3D"),
    ("PUT", "/_local/faults", {"content-type": "application/json"}, b"[" * 100_000),
    ("GET", "/_local/other", {}, b""),
]


@pytest.mark.parametrize("asked", REQUESTS, ids=lambda asked: f"{asked[0]} {asked[1][:40]} {asked[3][:30]!r}")
def test_bad_input_is_refused_as_the_client_s_fault(
    asked: tuple[str, str, dict[str, str], bytes], shared: ServedAws
) -> None:
    method, path, headers, body = asked
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = requests.request(method, shared.address + path, headers={**kind, **headers}, data=body, timeout=60)
    assert 400 <= answer.status_code < 500, answer.text


def test_more_bytes_than_anybody_sends_are_refused(shared: ServedAws) -> None:
    with socket.create_connection(("127.0.0.1", int(shared.address.rpartition(":")[2])), timeout=60) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert b" 413 " in connection.recv(200)


def test_names_that_no_xml_can_hold_are_answered_in_xml(shared: ServedAws) -> None:
    data = {
        "Action": "AssumeRoleWithSAML",
        "RoleArn": "\x01\ufffe" * 12,
        "PrincipalArn": "x" * 20,
        "SAMLAssertion": "abcd",
    }
    answer = requests.post(shared.address, data=data)
    assert etree.fromstring(answer.content) is not None
    assert _code(answer) == "ValidationError"


def test_markup_in_what_was_asked_is_not_markup_in_the_answer(shared: ServedAws) -> None:
    script = quote("<script>alert(1)</script>")
    answer = requests.get(f"{shared.address}/{script}")
    assert "<script>" not in answer.text
    page = requests.get(f"{shared.address}/console?at={script}")
    assert "<script>" not in page.text


def test_listings_hold_names_that_need_escaping(served_aws: ServedAws) -> None:
    s3 = served_aws.client("s3", served_aws.credentials())
    for key in ("a&b<c>.txt", "ü/ö ä", "+", "a//b", "%41"):
        s3.put_object(Bucket="reports", Key=key, Body=key.encode())
        assert s3.get_object(Bucket="reports", Key=key)["Body"].read() == key.encode()
    keys = {one["Key"] for one in s3.list_objects_v2(Bucket="reports")["Contents"]}
    assert {"a&b<c>.txt", "ü/ö ä", "+", "a//b", "%41"} <= keys


def test_listings_come_in_pages(served_aws: ServedAws) -> None:
    s3 = served_aws.client("s3", served_aws.credentials())
    for number in range(5):
        s3.put_object(Bucket="reports", Key=f"page/{number}/x", Body=b"")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket="reports", Prefix="page/", Delimiter="/", PaginationConfig={"PageSize": 2}
    )
    found = [one["Prefix"] for page in pages for one in page["CommonPrefixes"]]
    assert found == [f"page/{number}/" for number in range(5)]


def test_json_of_the_answer_is_json(shared: ServedAws) -> None:
    keys = shared.user("auditor", allow("cloudtrail:*"))
    trail = shared.client("cloudtrail", keys)
    code, message, _ = refusal(lambda: trail.lookup_events(MaxResults=51))
    assert (code, message) == ("InvalidMaxResultsException", "MaxResults lies between 1 and 50.")
    assert json.loads(json.dumps(trail.lookup_events()["Events"], default=str)) is not None
