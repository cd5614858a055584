"""Places that are told, by mail and by webhook under the same rules: what they say decides what becomes of a notice."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from network_factories import Authority, self_signed, tls_before
from notice_factories import behaving, hook_place, mail_place, mail_server, message, notice, receiver, secret

from federation_bridge.operator_notices import mail as by_mail
from federation_bridge.operator_notices.places import Place
from federation_bridge.outgoing import mail as outgoing_mail


@dataclass
class Far:
    """One kind of place: how it is reached, what it was given, and how it is made to answer."""

    place: Callable[..., Place]
    port: int
    given: Callable[[], list[str]]
    says: Callable[[str], None]


@pytest.fixture(params=["mail", "webhook"])
def far(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Far]:
    if request.param == "mail":
        with mail_server() as server:
            answers = {"now": "451 later", "good": "554 never"}

            def say(what: str) -> None:
                server.answer = answers[what]

            texts = lambda: [one.get_content() for one in server.taken]  # noqa: E731 - short, and used here alone
            yield Far(mail_place, server.port, texts, say)
    else:
        with receiver() as hook:
            codes = {"now": 503, "good": 400}

            def answer(what: str) -> None:
                hook.status = codes[what]

            got = lambda: [one["text"] for one in hook.bodies if hook.status < 300]  # noqa: E731 - short, and used here alone
            yield Far(lambda port, *more: hook_place(tmp_path, port, *more), hook.port, got, answer)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail gets no longer than the setting says: a test need not wait for what servers may take."""
    monkeypatch.setattr(by_mail, "_LEAST", 0.2)


def test_a_place_that_takes_it_is_told(far: Far) -> None:
    assert far.place(far.port).send(message()).result == "sent"
    (text,) = far.given()
    assert "New signing keys wait." in text
    assert "What to do: Look at them." in text


@pytest.mark.parametrize(("how", "result"), [("now", "retried"), ("good", "refused")])
def test_a_refusal_of_now_is_tried_again_and_one_for_good_is_not(far: Far, how: str, result: str) -> None:
    far.says(how)
    answer = far.place(far.port).send(message())
    assert answer.result == result
    assert answer.told.startswith("answered ")
    assert far.given() == []


def test_a_place_that_is_down_is_tried_again(far: Far) -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    assert far.place(port).send(message()).result == "retried"


def _silent(_: socket.socket, over: threading.Event) -> None:
    over.wait()


def _dripping(connection: socket.socket, over: threading.Event) -> None:
    # Each byte comes well within a timeout that starts anew with every byte.
    while not over.wait(0.02):
        connection.sendall(b"2")


def _closing(connection: socket.socket, _: threading.Event) -> None:
    connection.recv(1)


def _half(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b"220-half\r\n")
    connection.recv(10)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("how", [_silent, _dripping, _closing, _half], ids=lambda how: how.__name__)
def test_a_place_that_is_slow_or_answers_half_is_left_in_time_and_tried_again(far: Far, how: Any) -> None:
    began = time.monotonic()
    with behaving(how) as port:
        assert far.place(port).send(message()).result == "retried"
    # A place that drips would keep us for minutes.
    assert time.monotonic() - began < 60


def test_a_place_whose_certificate_nobody_vouches_for_is_told_nothing(
    far: Far, authority: Authority, tmp_path: Path
) -> None:
    with contextlib.ExitStack() as stack:
        stranger = self_signed(tmp_path, "127.0.0.1")
        if far.place is mail_place:
            server = stack.enter_context(mail_server(stranger))
            answer = mail_place(server.port, authority).send(message())
            assert server.taken == []
        else:
            port = stack.enter_context(tls_before(far.port, stranger))
            answer = far.place(port, authority).send(message())
            assert far.given() == []
    assert answer.result == "retried"
    assert "certificate" in answer.told.lower()


def test_a_certificate_that_ca_bundle_vouches_for_is_believed(far: Far, authority: Authority) -> None:
    certified = authority.certified("127.0.0.1")
    if far.place is mail_place:
        with mail_server(certified) as server:
            assert mail_place(server.port, authority).send(message()).result == "sent"
            assert server.encrypted == [True]
        return
    with tls_before(far.port, certified) as port:
        assert far.place(port, authority).send(message()).result == "sent"


def test_a_hostile_text_begins_no_header_and_hides_nothing(far: Far) -> None:
    hostile = "idp\r\nBcc: evil@example.com\r\n\r\n<!channel> [press](https://evil.example) \u202emoc.elgoog"
    told = notice(title=hostile, sentence=hostile, connection=hostile, about=hostile)
    assert far.place(far.port).send(message(told)).result == "sent"
    (text,) = far.given()
    assert "evil@example.com" in text  # as a text, like any other


def test_a_mail_has_the_headers_of_ours_alone_whatever_a_notice_says() -> None:
    hostile = "idp\r\nBcc: evil@example.com\r\n\r\nnew body"
    with mail_server() as server:
        mail_place(server.port).send(message(notice(title=hostile, sentence=hostile, about=hostile)))
    (mail,), (recipients,) = server.taken, server.recipients
    assert recipients == ["one@example.com", "two@example.com"]
    named = {"Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"}
    # X-*: the server's own.
    assert {name for name in mail if not name.startswith("X-")} == {*named, "Content-Type", "Content-Transfer-Encoding"}
    assert mail["Message-ID"] == f"<{notice().id}@bridge.example.com>"
    assert mail["Subject"].startswith("[bridge.example.com] idp")
    assert b"\r\nBcc:" not in server.raw[0].partition(b"\r\n\r\n")[0]


def test_a_server_that_offers_no_starttls_hears_neither_password_nor_notice(
    authority: Authority, tmp_path: Path
) -> None:
    with mail_server(needs_user=False) as server:
        more = {"user": "bridge", "password": secret(tmp_path, "smtp", "pass word")}
        answer = mail_place(server.port, authority, **more).send(message())
    assert (answer.result, server.taken) == ("retried", [])
    assert "STARTTLS" in answer.told


@pytest.mark.usefixtures("hurried")
def test_a_server_of_many_silent_addresses_is_left_as_soon_as_one_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as full, contextlib.ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        for _ in range(3):  # nobody takes these: for the next one there is no room, and no word
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        monkeypatch.setattr(outgoing_mail, "system_resolver", lambda *_: ["127.0.0.1"] * 40)
        began = time.monotonic()
        assert mail_place(address[1]).send(message()).result == "retried"
    assert time.monotonic() - began < 20


def test_a_user_signs_in_behind_starttls_and_a_wrong_password_is_tried_again(
    authority: Authority, tmp_path: Path
) -> None:
    certified = authority.certified("127.0.0.1")
    with mail_server(certified, needs_user=True) as server:
        for password, result in (("pass word", "sent"), ("wrong", "retried")):
            more = {"user": "bridge", "password": secret(tmp_path, "smtp", password)}
            answer = mail_place(server.port, authority, **more).send(message())
            assert answer.result == result
            assert "wrong" not in answer.told
    assert len(server.taken) == 1


def test_a_server_that_speaks_tls_from_the_first_byte_is_spoken_to_so(authority: Authority) -> None:
    with mail_server() as server, tls_before(server.port, authority.certified("127.0.0.1")) as port:
        assert mail_place(port, authority, security="tls").send(message()).result == "sent"
        assert mail_place(server.port, authority, security="tls").send(message()).result == "retried"
    assert len(server.taken) == 1


@pytest.mark.parametrize(("code", "result"), [("550 who", "refused"), ("450 later", "retried")])
def test_recipients_whom_a_server_does_not_take_decide_by_their_code(code: str, result: str) -> None:
    with mail_server() as server:
        server.to_recipients = code
        answer = mail_place(server.port).send(message())
    assert (answer.result, answer.told) == (result, f"answered {code}")
