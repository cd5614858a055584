"""Answers as bytes: one place says where each ends, and no header can become two."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from federation_bridge.operate.serving.answers import from_application

Headers = list[tuple[str, str]]


def answer(
    status: str = "200 OK",
    headers: Headers | None = None,
    body: bytes = b"",
    *,
    method: str = "GET",
    is_last: bool = False,
) -> tuple[list[str], bytes]:
    """The lines of the head without the date, and the body."""

    def application(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response(status, headers or [])
        return [body]

    data, ends = from_application(application, {"REQUEST_METHOD": method}, lambda: is_last)
    assert ends is is_last
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    assert sum(line.startswith("Date: ") for line in lines) == 1
    return [line for line in lines if not line.startswith("Date: ")], rest


@pytest.mark.parametrize(
    ("status", "header"),
    [
        ("200 OK", ("A", "b\r\nSet-Cookie: c")),
        ("200 OK", ("A", "b\nSet-Cookie: c")),
        ("200 OK", ("A", "b\rSet-Cookie: c")),
        ("200 OK", ("A\r\nB", "c")),
        ("200 OK\r\nA: b", ("A", "b")),
        ("200 OK", ("A", "\0")),
    ],
)
def test_an_answer_is_not_split_by_a_header(status: str, header: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="inside a header"):
        answer(status, [header])


def test_a_header_is_sent_as_it_is() -> None:
    assert answer(headers=[("A", "b\xe4")]) == (["HTTP/1.1 200 OK", "A: b\xe4", "Content-Length: 0"], b"")


def test_the_length_is_that_of_the_bytes_whatever_the_application_says() -> None:
    text = "\u20ac".encode()
    expected = (["HTTP/1.1 200 OK", "Content-Length: 3"], text)
    assert answer(body=text) == expected
    for wrong in [("Content-Length", "1"), ("transfer-encoding", "chunked"), ("Date", "now"), ("Connection", "x")]:
        assert answer(headers=[wrong], body=text) == expected


def test_the_answer_to_head_has_the_length_of_the_other_one_and_no_body() -> None:
    lines = ["HTTP/1.1 200 OK", "Content-Length: 3"]
    assert answer(headers=[("Content-Length", "3")], method="HEAD") == (lines, b"")
    assert answer(body=b"abc", method="HEAD") == (lines, b"")


@pytest.mark.parametrize("status", ["204 NO CONTENT", "304 NOT MODIFIED"])
def test_an_answer_without_a_body_has_none(status: str) -> None:
    assert answer(status, [("Content-Length", "1")], b"a") == ([f"HTTP/1.1 {status}"], b"")


def test_the_last_answer_of_a_connection_says_so() -> None:
    assert answer(is_last=True)[0][-1] == "Connection: close"
