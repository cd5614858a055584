"""The token file: whole, private, fresh while it is needed, and gone afterwards."""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from databases import HeldClock

from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials import web_identity
from federation_bridge.cli.credentials.web_identity import HeldToken, TokenFile
from federation_bridge.cli.failures import BridgeUnreachable, CommandFailed, LocalFailure, SignInNeeded
from federation_bridge.cli.terminal.streams import Terminal
from federation_bridge.model import JsonObject

ROLE = "222233334444/Developer"
LIFE = timedelta(minutes=5)


class Bridge:
    """Gives a token at each call, the next one by number, or fails as it is told."""

    def __init__(self, clock: HeldClock) -> None:
        self.clock, self.given = clock, 0
        self.failure: CommandFailed | None = None
        self.ways: list[str] = []
        self.asked = threading.Semaphore(0)
        self.answering = threading.Event()
        self.answering.set()

    def __call__(self, own_database: Context, role: str, reason: str = "") -> HeldToken:
        assert (role, reason) == (ROLE, "a deployment")
        self.ways.append(own_database.way)
        self.asked.release()
        assert self.answering.wait(60)
        if self.failure is not None:
            raise self.failure
        self.given += 1
        arn = "arn:aws:iam::222233334444:role/Developer"
        return HeldToken(f"a.b.{self.given}", self.clock() + LIFE, arn, "ada", "eu-central-1")

    def was_asked(self) -> bool:
        """Whether it is asked within a while."""
        return self.asked.acquire(timeout=60)

    def is_left_alone(self) -> bool:
        """Whether nobody asks while many looks at the clock are made."""
        return not self.asked.acquire(timeout=0.1)


@pytest.fixture
def bridge(clock: HeldClock, monkeypatch: pytest.MonkeyPatch) -> Bridge:
    made = Bridge(clock)
    monkeypatch.setattr(web_identity, "ask_for_token", made)
    monkeypatch.setattr(web_identity, "_LOOK_EVERY", 0.002)
    return made


@pytest.fixture
def told() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def file(bridge: Bridge, clock: HeldClock, told: io.StringIO, tmp_path: Path) -> Iterator[TokenFile]:
    terminal = Terminal({}, io.StringIO(), told, io.StringIO())
    own_database = Context("https://aws.example.com", tmp_path / "own_database", {}, clock, terminal)
    made = TokenFile(own_database, ROLE, "a deployment")
    yield made
    assert not [one for one in threading.enumerate() if one is made._thread]


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], bool]:
    def comes_to_hold(holds: Callable[[], bool]) -> bool:
        for _ in range(4000):
            if holds():
                return True
            threading.Event().wait(0.005)
        return False

    return comes_to_hold


def test_it_holds_the_token_alone_for_this_person_alone_until_the_end(file: TokenFile) -> None:
    with file:
        assert file.path.read_bytes() == b"a.b.1", "no line's end: some SDKs send what they read"
        assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
        assert file.variables() == {
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(file.path),
            "AWS_ROLE_ARN": "arn:aws:iam::222233334444:role/Developer",
            "AWS_ROLE_SESSION_NAME": "ada",
        }
    assert list(file.path.parent.iterdir()) == []


def test_it_is_renewed_ninety_seconds_ahead_and_then_nobody_is_asked_to_sign_in(
    file: TokenFile, bridge: Bridge, clock: HeldClock, eventually: Callable[[Callable[[], bool]], bool]
) -> None:
    with file:
        assert bridge.was_asked()
        clock.advance(LIFE - timedelta(seconds=91))
        assert bridge.is_left_alone()
        clock.advance(timedelta(seconds=1))
        assert bridge.was_asked()
        assert eventually(lambda: file.path.read_bytes() == b"a.b.2")
        assert bridge.is_left_alone()
    assert bridge.ways == ["auto", "never"]


def test_a_computer_that_slept_wakes_to_a_fresh_token(
    file: TokenFile, clock: HeldClock, eventually: Callable[[Callable[[], bool]], bool]
) -> None:
    with file:
        clock.advance(timedelta(hours=9))
        assert eventually(lambda: file.path.read_bytes() == b"a.b.2")


@pytest.mark.parametrize("failure", [BridgeUnreachable("no network"), SignInNeeded("sign in")], ids=["net", "session"])
def test_a_renewal_that_fails_is_told_once_and_tried_again_half_a_minute_later(
    file: TokenFile,
    bridge: Bridge,
    clock: HeldClock,
    told: io.StringIO,
    eventually: Callable[[Callable[[], bool]], bool],
    failure: CommandFailed,
) -> None:
    with file:
        assert bridge.was_asked()
        bridge.failure = failure
        clock.advance(LIFE)
        assert bridge.was_asked()
        assert eventually(lambda: bool(told.getvalue()))
        assert bridge.is_left_alone()
        clock.advance(timedelta(seconds=30))
        assert bridge.was_asked()
        assert bridge.is_left_alone()
        assert told.getvalue() == f"fedbridge: {failure.detail}\n"
        assert file.path.read_bytes() == b"a.b.1"
        bridge.failure = None
        clock.advance(timedelta(seconds=30))
        assert eventually(lambda: file.path.read_bytes() == b"a.b.2")


def test_a_renewal_on_its_way_at_the_end_is_waited_for_and_brings_no_file_back(
    file: TokenFile, bridge: Bridge, clock: HeldClock
) -> None:
    """Waited for, since one that is cut off has used up the session's refresh token."""
    with file:
        assert bridge.was_asked()
        bridge.answering.clear()
        clock.advance(LIFE)
        assert bridge.was_asked()
        threading.Timer(0.1, bridge.answering.set).start()
    assert bridge.given == 2
    assert not file.path.exists()


def test_where_the_file_cannot_be_written_nothing_is_left(file: TokenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> None:
        raise LocalFailure("the disk is full")

    monkeypatch.setattr(web_identity, "write_private", refuses)
    with pytest.raises(LocalFailure), file:
        pytest.fail("it went on without its file")
    assert list(file.path.parent.iterdir()) == []


def test_a_role_that_is_refused_leaves_nothing(file: TokenFile, bridge: Bridge) -> None:
    bridge.failure = SignInNeeded("sign in")
    with pytest.raises(SignInNeeded), file:
        pytest.fail("it went on without a token")
    assert list(file.path.parent.iterdir()) == []


def test_what_a_killed_process_left_is_swept_and_what_another_keeps_fresh_is_not(
    file: TokenFile, clock: HeldClock
) -> None:
    folder = file.path.parent
    folder.mkdir(mode=0o700, parents=True)
    for name, age in (("222233334444-Reader~1", timedelta(seconds=601)), ("222233334444-Reader~2", timedelta())):
        (folder / name).write_text("a.b.c")
        at = (clock() - age).timestamp()
        os.utime(folder / name, (at, at))
    with file:
        assert {path.name for path in folder.iterdir()} == {"222233334444-Reader~2", file.path.name}


def test_a_token_does_not_show_in_a_repr() -> None:
    assert "secret" not in repr(HeldToken("secret", HeldClock()(), "arn", "ada", "region"))


# --------------------------------------------------------------------------------------------------- what is believed

GOOD = {
    "token": "a.b.c",
    "expires_at": "2026-03-04T12:05:00+00:00",
    "role_arn": "arn:aws:iam::222233334444:role/Developer",
    "session_name": "ada",
    "region": "eu-central-1",
}
MISSHAPEN = [
    ("no token", {"token": None}),
    ("an empty token", {"token": ""}),
    ("a token that is none", {"token": ["a"]}),
    ("a token with a line's end", {"token": "a.b.c\n"}),
    ("a session name that steers a terminal", {"session_name": "a\x1b[2J"}),
    ("an end that is none", {"expires_at": "soon"}),
    ("no region", {"region": None}),
    ("a region that is another host to tools", {"region": "x.attacker.example#"}),
]


class Answering:
    """A session whose bridge gives one answer."""

    def __init__(self, answer: JsonObject) -> None:
        self.answer = answer
        self.posted: tuple[str, JsonObject] | None = None

    def __call__(self, _: Context) -> Answering:
        return self

    def post(self, path: str, body: JsonObject) -> JsonObject:
        self.posted = (path, body)
        return self.answer


def place_at(folder: Path, clock: HeldClock) -> Context:
    return Context("https://aws.example.com", folder, {}, clock, Terminal({}, *(io.StringIO() for _ in range(3))))


def test_the_end_of_a_token_is_told_by_this_computers_clock(
    tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering, own_database = Answering(GOOD), place_at(tmp_path, clock)
    monkeypatch.setattr(web_identity, "LocalSession", answering)
    own_database.http.clock_offset = timedelta(days=1)
    found = web_identity.ask_for_token(own_database, ROLE, "why")
    assert found.ends_at == clock() + LIFE - timedelta(days=1)
    assert answering.posted == (f"/roles/{ROLE}/web-identity-token", {"reason": "why"})


@pytest.mark.parametrize(("name", "change"), MISSHAPEN, ids=[case[0] for case in MISSHAPEN])
def test_an_answer_that_is_no_token_is_refused_in_words(
    tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch, name: str, change: JsonObject
) -> None:
    monkeypatch.setattr(web_identity, "LocalSession", Answering(GOOD | change))
    with pytest.raises(BridgeUnreachable, match="cannot be used"):
        web_identity.ask_for_token(place_at(tmp_path, clock), ROLE)
