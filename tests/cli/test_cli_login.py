"""The parts of a sign-in from a terminal: address, HTTP, proof, way, callback, token store, single flight."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import keyring
import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from keyring.backend import KeyringBackend
from threaded_server import serving

from federation_bridge.cli import failures
from federation_bridge.cli.address import checked_address
from federation_bridge.cli.commands import signing_in
from federation_bridge.cli.commands.invocation import Invocation
from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials.picking import pick
from federation_bridge.cli.credentials.roles import RoleOnOffer, matching, named_role
from federation_bridge.cli.failures import BridgeUnreachable, LocalFailure, LoginRefused, SignInNeeded, UsageWrong
from federation_bridge.cli.folders import folder_name
from federation_bridge.cli.http_client import Answer, HttpClient
from federation_bridge.cli.program import run
from federation_bridge.cli.session import authorization, browser_login, login
from federation_bridge.cli.session.dpop import DpopKey
from federation_bridge.cli.session.loopback import Loopback
from federation_bridge.cli.session.token_store import StoredSession, open_token_store
from federation_bridge.cli.single_flight import SingleFlight
from federation_bridge.cli.terminal.arguments import parser
from federation_bridge.cli.terminal.completion import SCRIPTS, candidates
from federation_bridge.cli.terminal.streams import Terminal

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SESSION = StoredSession("https://aws.example.com", "access", 1.0, "refresh", "key")


def place(folder: Path, address: str = "https://aws.example.com", **variables: str) -> Context:
    streams = (io.StringIO(), io.StringIO(), io.StringIO())
    return Context(address, folder, variables, lambda: NOW, Terminal(variables, *streams))


# ------------------------------------------------------------------------------------------------------------ address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://aws.example.com", "https://aws.example.com"),
        ("aws.example.com/", "https://aws.example.com"),
        ("https://AWS.Example.com:8443/Bridge/", "https://aws.example.com:8443/Bridge"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("http://[::1]:5000", "http://[::1]:5000"),
    ],
)
def test_the_bridge_s_address_is_taken_as_people_write_it(text: str, address: str) -> None:
    assert checked_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "http://aws.example.com",
        "http://127.0.0.1.example.com",
        "ftp://aws.example.com",
        "https://u:p@aws.example.com",
        "https://aws.example.com/../x",
        "https://aws.example.com?x",
        "https://a b",
        "https://",
        "",
    ],
)
def test_no_other_address_is_asked(text: str) -> None:
    with pytest.raises(UsageWrong):
        checked_address(text)


def test_different_bridges_have_different_folders() -> None:
    addresses = ["https://a.test", "http://a.test", "https://a.test:1", "https://a.test/1", "https://a.test-1"]
    assert len({folder_name(address) for address in addresses}) == len(addresses)


# ------------------------------------------------------------------------------------------------------------- http


@pytest.fixture
def stub() -> Iterator[Any]:
    """A server on loopback whose answers the test sets by path: status, headers, body."""
    answers: dict[str, tuple[int, dict[str, str], str]] = {}
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            status, headers, body = answers.get(self.path, (404, {}, ""))
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with serving(HTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}", answers, seen


def test_a_redirect_is_not_followed_wherever_it_leads(stub: Any) -> None:
    address, answers, seen = stub
    answers["/a"] = (302, {"Location": f"{address}/b"}, "")
    assert HttpClient(address, {}, lambda: NOW).get(f"{address}/a").status == 302
    assert seen == ["/a"]


@pytest.mark.parametrize(
    "url", ["https://evil.example/x", "{address}0/x", "{address}.evil.example/", "{address}@evil.example/"]
)
def test_nothing_is_sent_to_an_address_that_is_not_the_bridge_s(stub: Any, url: str) -> None:
    address, _, seen = stub
    with pytest.raises(BridgeUnreachable, match="not its own"):
        HttpClient(address, {}, lambda: NOW).get(url.replace("{address}", address))
    assert seen == []


def test_a_clock_that_is_off_by_a_day_is_noticed_by_the_bridge_s_date(stub: Any) -> None:
    address, answers, _ = stub
    http = HttpClient(address, {}, lambda: NOW)
    answers["/a"] = (200, {"Date": "Tue, 24 Nov 2026 12:00:00 GMT"}, "{}")
    http.get(f"{address}/a")
    assert http.clock_offset.days == 1
    answers["/a"] = (200, {"Date": "Mon, 23 Nov 2026 12:00:01 GMT"}, "{}")
    http.get(f"{address}/a")
    assert not http.clock_offset


def test_a_bridge_that_is_not_there_is_told_in_words() -> None:
    with pytest.raises(BridgeUnreachable, match="cannot be reached"):
        HttpClient("http://127.0.0.1:1", {}, lambda: NOW).get("http://127.0.0.1:1/")


@pytest.mark.parametrize(
    "changed",
    [{"issuer": "https://other.example.com"}, {"token_endpoint": "https://evil.example/token"}, {"issuer": None}],
)
def test_metadata_of_another_issuer_or_with_foreign_addresses_is_not_believed(
    stub: Any, tmp_path: Path, changed: dict[str, str]
) -> None:
    address, answers, _ = stub
    honest = {"issuer": address, "token_endpoint": f"{address}/oauth/token"}
    path = "/.well-known/oauth-authorization-server"
    answers[path] = (200, {}, json.dumps(honest))
    assert authorization.discover(place(tmp_path, address)).token == honest["token_endpoint"]
    answers[path] = (200, {}, json.dumps(honest | changed))
    with pytest.raises(BridgeUnreachable):
        authorization.discover(place(tmp_path, address))


def test_tokens_that_are_not_bound_to_our_key_are_not_taken(tmp_path: Path) -> None:
    body = {"access_token": "a", "refresh_token": "r", "expires_in": 900, "token_type": "DPoP"}
    key = DpopKey.fresh()
    session = authorization.stored_session(place(tmp_path), key, Answer(200, body))
    assert (session.access_token, session.access_ends_at) == ("a", NOW.timestamp() + 870)
    with pytest.raises(BridgeUnreachable):
        authorization.stored_session(place(tmp_path), key, Answer(200, body | {"token_type": "Bearer"}))


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


# -------------------------------------------------------------------------------------------------------------- roles


ROLES = [
    RoleOnOffer("111122223333", "production", "aws", "Developer", "arn:a", "1h"),
    RoleOnOffer("111122223333", "production", "aws", "Administrator", "arn:b", "1h"),
    RoleOnOffer("444455556666", "analytics", "aws", "Administrator", "arn:c", "1h"),
]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("proddev", ["production/Developer"]),
        ("ANA", ["analytics/Administrator"]),
        ("4444", ["analytics/Administrator"]),
        ("zzz", []),
        (".*", []),
        ("prod admin", ["production/Administrator"]),
    ],
)
def test_a_role_is_found_by_letters_of_its_name_in_order(pattern: str, names: list[str]) -> None:
    assert [role.name for role in matching(pattern, ROLES)][: len(names) or None] == names


@pytest.mark.parametrize("text", ["production/Developer", "111122223333/Developer", "Developer", "arn:a"])
def test_a_role_is_named_exactly(text: str) -> None:
    assert named_role(text, ROLES) is ROLES[0]


@pytest.mark.parametrize("text", ["production/developer", "Administrator", "Dev", "", "production/"])
def test_a_name_that_fits_no_single_role_is_refused_never_replaced(text: str) -> None:
    with pytest.raises(failures.RoleRefused):
        named_role(text, ROLES)


class _Typed(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_role_is_picked_by_narrowing_the_list_and_taking_its_number() -> None:
    words = _Typed()
    terminal = Terminal({"NO_COLOR": "1"}, io.StringIO(), words, _Typed("admin\n9\n2\n"))
    picked = pick(terminal, ROLES)
    assert picked in ROLES[1:]
    assert "\x1b" not in words.getvalue()


def test_without_a_person_no_role_is_picked() -> None:
    with pytest.raises(UsageWrong):
        pick(Terminal({}, io.StringIO(), io.StringIO(), io.StringIO()), ROLES)


def test_nobody_is_asked_to_sign_in_where_nobody_would_see_it(tmp_path: Path) -> None:
    with pytest.raises(SignInNeeded):
        login.sign_in(place(tmp_path, SSH_TTY="x"))


# ------------------------------------------------------------------------------------------------------ documentation


def test_every_command_exit_status_and_variable_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
    statuses = [kind.exit_status for kind in failures.CommandFailed.__subclasses__()]
    assert [status for status in statuses if f"\n| {status} | " not in text] == []
    commands = next(action.choices for action in parser()._actions if isinstance(action.choices, dict))
    assert [name for name in commands if name != "complete" and f"\n| `{name}" not in text] == []
    product = "".join(path.read_text(encoding="utf-8") for path in Path(login.__file__).parent.rglob("*.py"))
    assert [name for name in set(re.findall(r"FEDBRIDGE_[A-Z_]+", product)) if name not in text] == []


@pytest.mark.parametrize("shell", sorted(SCRIPTS))
def test_a_completion_script_asks_the_command_for_the_words(shell: str) -> None:
    assert "fedbridge complete --" in SCRIPTS[shell]


def test_completion_knows_commands_options_and_the_roles_that_were_seen_last(tmp_path: Path) -> None:
    (tmp_path / "roles.json").write_text('[{"account": "1", "account_name": "production", "role": "Developer"}]')
    options = {"roles": ["--filter", "--json"], "exec": ["--role"]}
    assert candidates(["r"], options, tmp_path) == ["roles"]
    assert candidates(["roles", "--j"], options, tmp_path) == ["--json"]
    assert candidates(["exec", "--role", "prod"], options, tmp_path) == ["production/Developer"]
    (tmp_path / "roles.json").write_text("[")
    assert candidates(["exec", "--role", ""], options, tmp_path) == []


def test_help_stands_for_every_command_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    for language in ("en", "zh"):
        monkeypatch.setenv("FEDBRIDGE_LANGUAGE", language)
        made = parser()
        commands = next(action.choices for action in made._actions if isinstance(action.choices, dict))
        assert all(command.format_help() for command in [made, *commands.values()])


@pytest.mark.parametrize(
    "arguments", [["nothing"], ["roles", "--nothing"], ["use"], ["credentials", "--format", "xml"]]
)
def test_a_wrong_call_ends_with_one_sentence_and_status_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(("words", "way"), [(["login"], "auto"), (["login", "--device"], "device")])
def test_a_login_shows_no_code_to_nobody_unless_that_is_asked_for(words: list[str], way: str) -> None:
    """In a pipeline a code stands in a log that nobody reads while it waits; `auto` then ends with status 3."""
    unseen = Terminal({}, io.StringIO(), io.StringIO(), io.StringIO())
    asked = parser().parse_args([*words, "https://aws.example.com"])
    assert signing_in._way(Invocation(asked, unseen, {"SSH_TTY": "x"}, lambda: datetime.now(UTC))) == way
