"""Heads of requests: one strict reading, no header that could be taken for another one."""

from __future__ import annotations

import pytest

from federation_bridge.operate.serving.heads import NotHttp, read_head, surroundings_of

AROUND = surroundings_of(("127.0.0.1", 8400), ("192.0.2.7", 5000))


def head(*lines: str, first: str = "GET / HTTP/1.1") -> bytes:
    return bare(*lines, "Host: bridge.example", first=first)


def bare(*lines: str, first: str = "GET / HTTP/1.1") -> bytes:
    """A head without a Host."""
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1")


def test_the_one_header_of_stock_aws_clients_is_read() -> None:
    environ = read_head(head("x-amz-sso_bearer_token: secret"), AROUND).environ
    assert environ["HTTP_X_AMZ_SSO_BEARER_TOKEN"] == "secret"


@pytest.mark.parametrize(
    "line",
    [
        "X_Forwarded_For: 203.0.113.5",
        "X-Forwarded_For: 203.0.113.5",
        "Content_Length: 5",
        "Transfer_Encoding: chunked",
        "Script_Name: /x",
        "x-amz_sso_bearer_token: secret",
    ],
)
def test_a_header_with_an_underscore_is_nobody(line: str) -> None:
    """Attack: it would arrive as the header with hyphens, which only a trusted proxy may write."""
    assert read_head(head(line), AROUND).environ == read_head(head(), AROUND).environ


def test_a_header_with_hyphens_arrives_as_itself() -> None:
    environ = read_head(head("X-Forwarded-For: 203.0.113.5", "x-forwarded-for: 203.0.113.6"), AROUND).environ
    assert environ["HTTP_X_FORWARDED_FOR"] == "203.0.113.5,203.0.113.6"
    assert (environ["REMOTE_ADDR"], environ["SCRIPT_NAME"]) == ("192.0.2.7", "")


@pytest.mark.parametrize(
    ("first", "path", "query"),
    [
        ("GET / HTTP/1.1", "/", ""),
        ("GET /a%20b?x=%20&y HTTP/1.1", "/a b", "x=%20&y"),
        ("GET //evil.example/ HTTP/1.1", "//evil.example/", ""),
        ("GET http://evil.example/a?b HTTP/1.1", "/a", "b"),
        ("GET http://evil.example HTTP/1.0", "/", ""),
        ("GET http://evil.example?a/b?c HTTP/1.1", "/", "a/b?c"),
        ("GET http://[:::::]/a HTTP/1.1", "/a", ""),
        ("OPTIONS * HTTP/1.1", "*", ""),
        ("CONNECT evil.example:443 HTTP/1.1", "evil.example:443", ""),
    ],
)
def test_a_target_is_a_path_and_a_query(first: str, path: str, query: str) -> None:
    environ = read_head(head(first=first), AROUND).environ
    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == (path, query)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (head("Content-Length: 1", "Content-Length: 1"), 400),
        (head("Content-Length: 1, 1"), 400),
        (head("Content-Length: +1"), 400),
        (head("Content-Length:"), 400),
        (head("Content-Length: 9999999999999999"), 400),
        (head("Content-Length: 1", "Transfer-Encoding: chunked"), 400),
        (head("Transfer-Encoding: chunked", "Content-Length: 1"), 400),
        (head("Transfer-Encoding: gzip"), 400),
        (head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400),
        (head("Host: bridge.example"), 400),
        (bare(), 400),
        (bare("Host: a, b"), 400),
        (bare("Host: a@b"), 400),
        (bare("Host: a/b"), 400),
        (bare("Host: [::1"), 400),
        (bare("Host: a b", first="GET / HTTP/1.0"), 400),
        (head("A: b\r\n c"), 400),
        (head("A : b"), 400),
        (head("A: b\nC: d"), 400),
        (head("A: b\rC: d"), 400),
        (head("A: \x00"), 400),
        (head(": a"), 400),
        (head("Expect: tea"), 417),
        (head("A: " + "a" * 9_000), 431),
        (head(*["A: b"] * 101), 431),
        (head(first="GET /" + "a" * 9_000 + " HTTP/1.1"), 414),
        (head(first="GET  / HTTP/1.1"), 400),
        (head(first="GET /\t HTTP/1.1"), 400),
        (head(first="GET /a#b HTTP/1.1"), 400),
        (head(first="GET http://[/ HTTP/1.1"), 400),
        (head(first="GET http://a@b/ HTTP/1.1"), 400),
        (head(first="GET http:///a HTTP/1.1"), 400),
        (head(first="GET ?a HTTP/1.1"), 400),
        (head(first="GET a HTTP/1.1"), 400),
        (head(first="GET / HTTP/2.0"), 400),
        (head(first="GET / RTSP/1.0"), 400),
        (head(first="BREW / HTTP/1.1"), 400),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(raw: bytes, status: int) -> None:
    with pytest.raises(NotHttp) as refused:
        read_head(raw, AROUND)
    assert refused.value.status == status


@pytest.mark.parametrize(
    ("raw", "keeps_open"),
    [
        (head(), True),
        (head("Connection: keep-alive"), True),
        (head("Connection: Close"), False),
        (head("Connection: te, close"), False),
        (head("Connection: Upgrade", "Upgrade: websocket"), False),
        (head(first="GET / HTTP/1.0"), False),
    ],
)
def test_a_connection_goes_on_unless_somebody_ends_it(raw: bytes, *, keeps_open: bool) -> None:
    assert read_head(raw, AROUND).keeps_open is keeps_open


@pytest.mark.parametrize(
    ("raw", "host"),
    [
        (head(), "bridge.example"),
        (bare("Host: [::1]:8400"), "[::1]:8400"),
        (bare("Host:"), ""),
        (head(first="GET http://other.example:81/a HTTP/1.1"), "other.example:81"),
    ],
)
def test_the_host_is_that_of_the_target_or_else_of_the_header(raw: bytes, host: str) -> None:
    """RFC 9112, 3.2.2."""
    assert read_head(raw, AROUND).environ["HTTP_HOST"] == host


def test_only_an_older_client_may_name_no_host() -> None:
    assert "HTTP_HOST" not in read_head(bare(first="GET / HTTP/1.0"), AROUND).environ
