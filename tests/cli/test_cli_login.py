"""The parts of a sign-in from a terminal: proof, way, callback, token store, single flight."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import keyring
import pytest
from cli_contexts import NOW, place
from joserfc import jws
from joserfc.jwk import ECKey
from keyring.backend import KeyringBackend

from federation_bridge.cli import failures
from federation_bridge.cli.commands import signing_in
from federation_bridge.cli.commands.invocation import Invocation
from federation_bridge.cli.failures import LocalFailure, LoginRefused, SignInNeeded
from federation_bridge.cli.session import browser_login, login
from federation_bridge.cli.session.dpop import DpopKey
from federation_bridge.cli.session.loopback import Loopback
from federation_bridge.cli.session.token_store import StoredSession, open_token_store
from federation_bridge.cli.single_flight import SingleFlight
from federation_bridge.cli.terminal.arguments import parser
from federation_bridge.cli.terminal.streams import Terminal

SESSION = StoredSession("https://aws.example.com", "access", 1.0, "refresh", "key")

# -------------------------------------------------------------------------------------------------------------- proof


def test_a_proof_says_what_rfc_9449_asks_and_verifies_with_the_key_that_it_carries() -> None:
    key = DpopKey.fresh()
    text = DpopKey.from_text(key.text()).proof("POST", "https://aws.example.com/x?y=z", NOW, "token")
    signature = jws.deserialize_compact(text, ECKey.import_key(jws.extract_compact(text.encode()).headers()["jwk"]))
    claims = json.loads(signature.payload)
    assert signature.headers()["typ"] == "dpop+jwt"
    assert (claims["htm"], claims["htu"]) == ("POST", "https://aws.example.com/x")
    assert (claims["iat"], claims["ath"]) == (int(NOW.timestamp()), "PEaenWxYddN6Q_NT1PiOYfz4EsZu7jRXRlpAsNpBU-A")
    assert key.thumbprint == ECKey.import_key(signature.headers()["jwk"]).thumbprint()
    assert "d" not in signature.headers()["jwk"]


# ----------------------------------------------------------------------------------------------------- way, callback


@pytest.mark.parametrize(
    ("way", "variables", "chosen"),
    [
        ("auto", {"SSH_CONNECTION": "a", "DISPLAY": ":0"}, "device"),
        ("auto", {"KUBERNETES_SERVICE_HOST": "a", "BROWSER": "x"}, "device"),
        ("auto", {}, "device"),
        ("browser", {"SSH_TTY": "a"}, "browser"),
        ("never", {"DISPLAY": ":0"}, "never"),
    ],
)
def test_where_no_browser_is_at_hand_a_code_is_shown(way: Any, variables: dict[str, str], chosen: str) -> None:
    assert login.chosen_way(way, variables) == chosen


class _Stays(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def test_the_callback_takes_the_answer_to_our_own_question_once_and_no_other(tmp_path: Path) -> None:
    found: dict[str, str] = {}
    led_to: list[str] = []
    pages: list[tuple[str, Message]] = []
    here, state = place(tmp_path), "s" * 32
    states = (state, "t" * 32)
    honest = {"state": state, "code": "c", "iss": here.address}
    with Loopback("/callback", browser_login._callback(here, states, found)) as loopback:

        def ask(path: str = "/callback", host: str = "", **query: str) -> int:
            text = "&".join(f"{name}={value}" for name, value in query.items())
            request = Request(f"{loopback.address}{path}?{text}", headers={"Host": host} if host else {})
            try:
                with build_opener(_Stays).open(request, timeout=60) as answer:
                    return int(answer.status)
            except HTTPError as refusal:
                with refusal:
                    led_to.append(refusal.headers.get("Location", ""))
                    pages.append((refusal.read().decode(), refusal.headers))
                    return refusal.code

        assert ask(**honest | {"state": "x"}) == 400
        assert ask(**honest | {"iss": "https://evil.example"}) == 400
        assert ask("/", **honest) == 404
        assert ask(host="evil.example", **honest) == 404
        assert found == {}
        assert not loopback.wait(0)
        assert ask(**honest) == 303
        assert loopback.wait(60)
        assert ask(**honest | {"code": "second"}) == 400
        assert ask(**honest | {"state": states[1]}) == 400
    assert found == {"code": "c", "state": state}
    # The page that is led to is the bridge's, and learns nothing from its address or its referrer.
    assert [address for address in led_to if address] == [f"{here.address}/terminal"]
    assert {headers["Referrer-Policy"] for _, headers in pages} == {"no-referrer"}
    page, headers = pages[0]
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    for needed in ('<html lang="en">', "<title>", 'name="viewport"', "<main><h1>This is not the sign-in"):
        assert needed in page


def test_a_sign_in_that_was_refused_ends_on_a_page_of_the_bridge_too(tmp_path: Path) -> None:
    found: dict[str, str] = {}
    here = place(tmp_path)
    answer = browser_login._callback(here, ("s" * 32, "t" * 32), found)
    told = answer({"state": ["s" * 32], "error": ["access_denied"], "iss": [here.address]})
    assert told == (303, f"{here.address}/terminal?refused=1")
    assert found == {"error": "access_denied"}


# -------------------------------------------------------------------------------------------------------- token store


class _Memory(KeyringBackend):
    priority = 1

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class _Locked(_Memory):
    def get_password(self, service: str, username: str) -> str | None:
        raise keyring.errors.KeyringLocked("locked")


@pytest.mark.parametrize(("ring", "in_file"), [(_Memory, False), (_Locked, True)])
def test_the_session_lies_in_the_keyring_and_where_none_works_in_a_private_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ring: type[_Memory], in_file: bool
) -> None:
    made = ring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: made)
    tokens = open_token_store(SESSION.address, tmp_path, {})
    assert tokens.load() is None
    tokens.save(SESSION)
    assert open_token_store(SESSION.address, tmp_path, {}).load() == SESSION
    assert (tmp_path / "session.json").exists() is in_file
    tokens.forget()
    assert open_token_store(SESSION.address, tmp_path, {}).load() is None


def test_a_keyring_that_was_asked_for_and_does_not_work_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "get_keyring", _Locked)
    with pytest.raises(LocalFailure):
        open_token_store(SESSION.address, tmp_path, {"FEDBRIDGE_TOKEN_STORE": "keyring"})


def test_a_session_shows_no_secret_and_a_keyring_that_takes_little_takes_it() -> None:
    assert not {"access'", "refresh'", "key'"} & set(repr(SESSION).split("="))
    real = StoredSession("https://aws.example.com", "a" * 43, NOW.timestamp(), "r" * 43, DpopKey.fresh().text())
    assert len(json.dumps(real.__getstate__())) < 1000


# ------------------------------------------------------------------------------------------------------ single flight


def test_who_waited_behind_a_failure_shares_it_and_a_later_one_tries_again(tmp_path: Path) -> None:
    path, times = tmp_path / "folder" / "lock", [NOW]
    waiting = SingleFlight(path, lambda: times[0])
    SingleFlight(path, lambda: times[0]).failed("q", LoginRefused("refused"))
    with pytest.raises(LoginRefused, match="refused"):
        waiting.join("q")
    newcomer = SingleFlight(path, lambda: times[0])
    with pytest.raises(LoginRefused):
        newcomer.join("q")
    times[0] = datetime(2026, 11, 23, 12, 1, tzinfo=UTC)
    SingleFlight(path, lambda: times[0]).join("q")


def test_every_exit_status_is_one_failure_s_and_survives_the_way_between_processes() -> None:
    kinds = failures.CommandFailed.__subclasses__()
    statuses = [kind.exit_status for kind in kinds]
    assert sorted(statuses) == list(range(2, 11))
    assert [type(failures.failure_of(kind.exit_status, "x")) for kind in kinds] == kinds


# ------------------------------------------------------------------------------------------------- where nobody looks


def test_nobody_is_asked_to_sign_in_where_nobody_would_see_it(tmp_path: Path) -> None:
    with pytest.raises(SignInNeeded):
        login.sign_in(place(tmp_path, SSH_TTY="x"))


@pytest.mark.parametrize(("words", "way"), [(["login"], "auto"), (["login", "--device"], "device")])
def test_a_login_shows_no_code_to_nobody_unless_that_is_asked_for(words: list[str], way: str) -> None:
    """In a pipeline a code stands in a log that nobody reads while it waits; `auto` then ends with status 3."""
    unseen = Terminal({}, io.StringIO(), io.StringIO(), io.StringIO())
    asked = parser().parse_args([*words, "https://aws.example.com"])
    assert signing_in._way(Invocation(asked, unseen, {"SSH_TTY": "x"}, lambda: datetime.now(UTC))) == way
