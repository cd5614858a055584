"""Small defences of `fedbridge` that no story shows, each held by the rule that it keeps."""

from __future__ import annotations

import io
import json
import os
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend

from federation_bridge.cli import cached_answer, http_client
from federation_bridge.cli.aws_config import sso
from federation_bridge.cli.context import Context
from federation_bridge.cli.failures import CommandFailed, LocalFailure, LoginRefused
from federation_bridge.cli.files import private_folder, read_private
from federation_bridge.cli.http_client import Answer
from federation_bridge.cli.session import browser_login, login
from federation_bridge.cli.session.authorization import Endpoints
from federation_bridge.cli.session.dpop import DpopKey
from federation_bridge.cli.session.local_session import LocalSession
from federation_bridge.cli.session.question import sign_in_question
from federation_bridge.cli.session.token_store import StoredSession, open_token_store
from federation_bridge.cli.session.waiting_login import login_flight
from federation_bridge.cli.single_flight import SingleFlight
from federation_bridge.cli.terminal.streams import Terminal

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADDRESS = "https://aws.example.com"
SESSION = StoredSession(ADDRESS, "secret-access", 1.0, "secret-refresh", "secret-key")


class Ring(KeyringBackend):
    """A keyring that works and holds nothing."""

    priority = 1

    def get_password(self, service: str, username: str) -> None:
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError(service)


@pytest.fixture
def place(tmp_path: Path) -> Context:
    folder = private_folder(tmp_path / "bridge")
    variables = {"FEDBRIDGE_TOKEN_STORE": "file"}
    streams = (io.StringIO(), io.StringIO(), io.StringIO())
    return Context(ADDRESS, folder, variables, lambda: NOW, Terminal(variables, *streams), "never")


# ------------------------------------------------------------------------------------------------- what lies on disk


def test_a_folder_of_ours_is_the_persons_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert private_folder(tmp_path / "ours").stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)


def test_a_link_is_not_followed_even_to_a_private_file_of_the_person(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text")
    (tmp_path / "file").chmod(0o600)
    assert read_private(tmp_path / "file") == b"text"
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(LocalFailure):
        read_private(tmp_path / "link")


def test_a_session_once_kept_in_a_file_is_found_there_while_a_keyring_works_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = private_folder(tmp_path / "bridge")
    open_token_store(ADDRESS, folder, {"FEDBRIDGE_TOKEN_STORE": "file"}).save(SESSION)
    monkeypatch.setattr(keyring, "get_keyring", Ring)
    assert open_token_store(ADDRESS, folder, {}).load() == SESSION


def test_a_session_file_that_others_may_read_is_refused(place: Context) -> None:
    place.tokens().save(SESSION)
    path = place.folder / "session.json"
    path.chmod(0o640)
    with pytest.raises(LocalFailure):
        place.tokens().load()


@pytest.mark.parametrize("member", ["address", "access_token", "access_ends_at", "refresh_token", "key"])
def test_a_session_with_a_member_of_another_kind_is_no_session(place: Context, member: str) -> None:
    place.tokens().save(SESSION)
    path = place.folder / "session.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {member: ["another"]}))
    assert place.tokens().load() is None


def test_a_session_shows_none_of_its_secrets() -> None:
    assert "secret" not in repr(SESSION)


# ------------------------------------------------------------------------------------------------------ single flight


def test_a_failure_is_shared_by_who_waited_long_and_not_by_who_comes_later(tmp_path: Path) -> None:
    now = [NOW]
    waiting = SingleFlight(tmp_path / "lock", lambda: now[0])
    SingleFlight(tmp_path / "lock", lambda: now[0]).failed("q", LoginRefused("no"))
    now[0] += timedelta(minutes=5)
    with pytest.raises(LoginRefused, match="no"):
        waiting.join("q")
    SingleFlight(tmp_path / "lock", lambda: now[0]).join("q")


def test_a_failure_of_the_future_is_no_news_after_the_clock_went_back(tmp_path: Path) -> None:
    SingleFlight(tmp_path / "lock", lambda: NOW).failed("q", LoginRefused("no"))
    SingleFlight(tmp_path / "lock", lambda: NOW - timedelta(days=1)).join("q")


def test_where_the_sign_in_has_just_failed_nobody_is_asked_again(place: Context) -> None:
    login_flight(place).failed(sign_in_question(place), LoginRefused("closed the window"))
    with pytest.raises(LoginRefused, match="closed the window"):
        LocalSession(place).get("/me")


# ------------------------------------------------------------------------------------------------------------ sign-in


def begun(uri: str) -> Answer:
    return Answer(200, {"verification_uri": uri, "user_code": "BCDF-GHJK", "device_code": "fbd", "interval": 5})


def test_a_code_is_never_shown_with_an_address_that_is_not_the_bridges(
    place: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_showing(monkeypatch)
    monkeypatch.setattr(login, "begin_device", lambda *_: begun("https://aws.example.com.attacker.test/device"))
    endpoints = Endpoints(*[f"{ADDRESS}/oauth"] * 4)
    with pytest.raises(CommandFailed):
        login._by_device(place, endpoints, DpopKey.fresh())


def test_the_same_holds_for_the_sign_in_of_aws_clients(place: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    forbid_showing(monkeypatch)
    answer = Answer(200, {"verificationUri": "https://attacker.test/device", "userCode": "BCDF-GHJK"})
    monkeypatch.setattr(http_client.HttpClient, "post_json", lambda *_: answer)
    with pytest.raises(CommandFailed):
        sso._token(place, {})


def forbid_showing(monkeypatch: pytest.MonkeyPatch) -> None:
    def shown(*_: object) -> None:
        raise AssertionError("the code was shown")

    for module in (login, sso):
        monkeypatch.setattr(module, "show_code", shown)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each pause between two questions would have been."""
    found: list[float] = []
    for module in (login, sso):
        monkeypatch.setattr(module, "pause", lambda seconds, _: found.append(seconds))
    return found


def answers(*errors: str) -> Callable[..., Answer]:
    left: Iterator[str] = iter(errors)
    return lambda *_: Answer(400, {"error": next(left)})


def test_a_program_that_is_told_to_slow_down_does_so_from_then_on(
    place: Context, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    monkeypatch.setattr(login, "ask_for_tokens", answers("slow_down", "slow_down", "authorization_pending", "no"))
    times = (timedelta(seconds=5), timedelta(minutes=10))
    with pytest.raises(CommandFailed):
        login._poll(place, (Endpoints(*[ADDRESS] * 4), DpopKey.fresh()), {}, times)
    assert pauses == [5, 10, 15, 15]


def test_the_same_holds_where_it_signs_aws_clients_in(
    place: Context, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    monkeypatch.setattr(http_client.HttpClient, "post_json", answers("slow_down", "authorization_pending", "no"))
    with pytest.raises(CommandFailed):
        sso._polled(place, {}, 5, 600)
    assert pauses == [5, 10, 10]


def test_the_request_for_a_code_names_the_key_that_the_tokens_will_be_bound_to(place: Context) -> None:
    key = DpopKey.fresh()
    question = browser_login._question(place, "http://127.0.0.1:1/callback", "v" * 43, key)
    assert question["dpop_jkt"] == key.thumbprint
    assert question["code_challenge_method"] == "S256"


def test_a_redirect_is_not_followed_over_https_either() -> None:
    opener = http_client.HttpClient(ADDRESS, {}, lambda: NOW)._opener
    handlers: list[Any] = vars(opener)["handlers"]
    (handler,) = [one for one in handlers if hasattr(one, "redirect_request")]
    assert handler.redirect_request(None, None, 302, "", {}, "https://attacker.test/") is None
    (secure,) = [one for one in handlers if hasattr(one, "https_open")]
    assert secure._context.verify_mode is ssl.CERT_REQUIRED


# --------------------------------------------------------------------------------------------------- the cached answer


def test_an_answer_of_another_user_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "answer"
    path.write_bytes(b"1\n")
    path.chmod(0o600)
    assert cached_answer._private_bytes(str(path)) == b"1\n"
    monkeypatch.setattr("federation_bridge.cli.cached_answer.system.geteuid", lambda: os.geteuid() + 1)
    with pytest.raises(ValueError, match="answer"):
        cached_answer._private_bytes(str(path))


def test_a_renewal_that_was_begun_a_moment_ago_is_left_alone(tmp_path: Path) -> None:
    mark = str(tmp_path / "mark")
    now = 1_000_000.0
    assert cached_answer._first_to_renew(mark, now)
    os.utime(mark, (now, now))
    assert not cached_answer._first_to_renew(mark, now + 59)
    assert cached_answer._first_to_renew(mark, now + 61)


@pytest.mark.parametrize("cut", [1, 10, 40])
def test_an_answer_that_was_cut_off_is_none(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "answer"
    whole: dict[str, Any] = {"Version": 1, "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "x", "SessionToken": "y"}
    text = json.dumps(whole).encode()
    for header in (b"2000 1500 3000", b"2000 1500 3000 1000"):
        path.write_bytes(header + b"\n" + text + b"\n" + text)
        path.chmod(0o600)
        is_read = cached_answer.stored(str(path)) is not None
        path.write_bytes(path.read_bytes()[:-cut])
        assert cached_answer.stored(str(path)) is None
        if is_read:
            return
    pytest.fail("no whole answer was read: the format has changed")
