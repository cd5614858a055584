# ruff: noqa: F811 - fixtures are named where they are asked for
"""Bad input at the local AWS: none may end in a 500, and none may take long."""

from __future__ import annotations

import json
import socket
from urllib.parse import quote, urlencode

import pytest
import requests
from local_aws_factories import ServedAws, allow, refusal
from local_aws_fixtures import served_aws  # noqa: F401 - a fixture
from lxml import etree
from shared_local_aws import code_of, shared  # noqa: F401 - a fixture

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
    assert code_of(answer) == "ValidationError"


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
