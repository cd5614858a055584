"""A failure that is kept for others answers the very same question and no other."""

from __future__ import annotations

import argparse
import io
import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fake_bridge import ROLE, FakeBridge, Reply, fake_bridge, put_session

from federation_bridge.cli.commands.invocation import Invocation, wanted_of
from federation_bridge.cli.context import Context
from federation_bridge.cli.credentials.obtaining import obtain
from federation_bridge.cli.failures import AwsFailed, CommandFailed, LocalFailure, LoginRefused, TooShort
from federation_bridge.cli.files import write_private
from federation_bridge.cli.session.dpop import DpopKey
from federation_bridge.cli.session.question import credentials_question, sign_in_question
from federation_bridge.cli.single_flight import SingleFlight
from federation_bridge.cli.terminal.arguments import parser
from federation_bridge.cli.terminal.streams import Terminal

REFUSED = Reply(502, {"error": {"code": "aws_refused", "message": "no"}})
OTHER_ROLE = ROLE.rpartition("/")[0] + "/Auditor"


@dataclass(slots=True)
class Asker:
    """Somebody who types commands one after the other, in the same moment."""

    bridge: FakeBridge
    home: Path
    variables: dict[str, str] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def obtain(self, *words: str) -> str:
        """How `fedbridge credentials WORDS` ends: an access key, or the name of the failure."""
        streams = (io.StringIO(), io.StringIO(), io.StringIO())
        environ = {"HOME": str(self.home), "FEDBRIDGE_TOKEN_STORE": "file", **self.variables}
        asked = parser().parse_args(["credentials", *words])
        call = Invocation(asked, Terminal(environ, *streams), environ, lambda: self.now)
        place = call.context()
        try:
            return obtain(place, wanted_of(call, place)).access_key_id
        except CommandFailed as failure:
            return type(failure).__name__

    def asked(self) -> int:
        return sum(path.endswith("/credentials") for path in self.bridge.paths())


@pytest.fixture
def ada(tmp_path: Path) -> Iterator[Asker]:
    with fake_bridge() as bridge:
        put_session(tmp_path, bridge, ends_at=4_000_000_000)
        for role in (ROLE, OTHER_ROLE):
            bridge.answers[f"/api/v1/roles/{role}/credentials"] = REFUSED
        yield Asker(bridge, tmp_path)


ASKED = {
    "role": (["--role", ROLE], ["--role", OTHER_ROLE]),
    "min_remaining": ([], ["--min-remaining", "30m"]),
    "duration": (["--duration", "12h"], ["--duration", "8h"]),
    "reason": ([], ["--reason", "an outage"]),
    "way": (["--no-login"], ["--browser"]),
}
"""Every option that changes the question, and two ways to give it."""
SAME = {
    "format": (["--format", "env"], ["--format", "json"]),
    "help": ([], []),
    "region": (["--region", "eu-west-1"], ["--region", "us-east-1"]),
    "duration": (["--duration", "8h"], ["--duration", "480m"]),
}


def _words(name: str, words: list[str]) -> list[str]:
    return words if name == "role" else ["--role", ROLE, *words]


@pytest.mark.parametrize("name", ASKED)
def test_a_failure_answers_who_asks_the_same_and_not_who_asks_something_else(ada: Asker, name: str) -> None:
    first, second = (_words(name, words) for words in ASKED[name])
    assert [ada.obtain(*first), ada.obtain(*first), ada.asked()] == ["AwsFailed", "AwsFailed", 1]
    assert [ada.obtain(*second), ada.asked()] == ["AwsFailed", 2]
    # The answer to one does not push the other's out.
    assert [ada.obtain(*first), ada.obtain(*second), ada.asked()] == ["AwsFailed", "AwsFailed", 2]


@pytest.mark.parametrize("name", SAME)
def test_a_failure_answers_who_asks_the_same_in_other_words(ada: Asker, name: str) -> None:
    for words in SAME[name]:
        assert ada.obtain(*_words(name, words)) == "AwsFailed"
    assert ada.asked() == 1


def test_no_option_of_credentials_is_left_out_of_the_two_tables() -> None:
    under = next(one for one in parser()._actions if isinstance(one, argparse._SubParsersAction))
    options = {action.dest for action in under.choices["credentials"]._actions}
    # One bridge's folder holds no other bridge's failures.
    assert options - {"bridge"} == set(ASKED) | set(SAME)
    only_of_processes = {action.dest for action in under.choices["credential-process"]._actions} - options
    # A background renewal is a question with `--no-login`.
    assert only_of_processes == {"folder", "renew"}


def test_who_asks_for_less_after_a_refusal_has_it(ada: Asker) -> None:
    assert ada.obtain("--role", ROLE, "--duration", "12h") == "AwsFailed"
    ada.bridge.answers[f"/api/v1/roles/{ROLE}/credentials"] = lambda _: ada.bridge.credentials()
    assert ada.obtain("--role", ROLE, "--duration", "8h") == "ASIAEXAMPLE"
    assert ada.obtain("--role", ROLE, "--duration", "12h") == "AwsFailed"


def test_whoever_signs_in_as_somebody_else_asks_anew(ada: Asker) -> None:
    assert ada.obtain("--role", ROLE) == "AwsFailed"
    path = next((ada.home / ".local/state/fedbridge").glob("*/session.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"key": DpopKey.fresh().text()}))
    assert (ada.obtain("--role", ROLE), ada.asked()) == ("AwsFailed", 2)


def test_what_this_computer_refused_is_asked_anew_once_it_is_mended(ada: Asker) -> None:
    path = next((ada.home / ".local/state/fedbridge").glob("*/session.json"))
    path.chmod(0o644)
    assert ada.obtain("--role", ROLE) == "LocalFailure"
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    assert (ada.obtain("--role", ROLE), ada.asked()) == ("AwsFailed", 1)


# ------------------------------------------------------------------------------------------------- what is around it


PROXY = "http://ada:{}@proxy.example.com:3128"
AROUND = {
    "language": ({"FEDBRIDGE_LANGUAGE": "en"}, {"FEDBRIDGE_LANGUAGE": "zh"}),
    "authorities": ({}, {"FEDBRIDGE_CA_BUNDLE": "/etc/company.pem"}),
    "the variable of the authorities": ({"AWS_CA_BUNDLE": "/a"}, {"SSL_CERT_FILE": "/a"}),
    "proxy": ({}, {"HTTPS_PROXY": PROXY.format("secret")}),
    "the proxy's password": ({"HTTPS_PROXY": PROXY.format("wrong")}, {"HTTPS_PROXY": PROXY.format("secret")}),
    "no_proxy": ({"HTTPS_PROXY": PROXY, "NO_PROXY": ""}, {"HTTPS_PROXY": PROXY, "NO_PROXY": "example.com"}),
    "a screen": ({"BROWSER": "true"}, {"SSH_TTY": "/dev/pts/0"}),
}
ADDRESS = "https://aws.example.com"


def _place(folder: Path, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Context:
    for name in ("HTTPS_PROXY", "NO_PROXY", "https_proxy", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    streams = (io.StringIO(), io.StringIO(), io.StringIO())
    return Context(ADDRESS, folder, variables, lambda: datetime.now(UTC), Terminal(variables, *streams))


@pytest.mark.parametrize("name", AROUND)
def test_who_mends_what_the_bridge_is_reached_by_asks_another_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before, after = AROUND[name]
    questions = []
    for variables in (before, before, after):
        place = _place(tmp_path, variables, monkeypatch)
        questions.append((sign_in_question(place), credentials_question(place, "", role=ROLE)))
    assert questions[0] == questions[1]
    assert not set(questions[1]) & set(questions[2])


def test_a_question_that_lies_on_the_disk_cannot_tell_most_passwords_of_a_proxy_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def question(password: str) -> str:
        # The digest's first two bytes decide: only as much of a password can ever be learnt from it.
        return sign_in_question(_place(tmp_path, {"HTTPS_PROXY": PROXY.format(password)}, monkeypatch))

    by_question: dict[str, str] = {}
    for number in range(2000):
        password = f"{number}"
        if by_question.setdefault(question(password), password) != password:
            return
    raise AssertionError("2000 passwords, and each has a question of its own")


# ------------------------------------------------------------------------------------------------------ what is kept


def test_a_failure_shared_with_others_is_never_one_of_another_question(tmp_path: Path) -> None:
    now = [datetime(2026, 11, 23, tzinfo=UTC)]
    waiting = SingleFlight(tmp_path / "lock", lambda: now[0])
    SingleFlight(tmp_path / "lock", lambda: now[0]).failed("12h", AwsFailed("too long"))
    SingleFlight(tmp_path / "lock", lambda: now[0]).failed("1h", TooShort("too short"))
    now[0] += timedelta(minutes=1)
    with pytest.raises(AwsFailed, match="too long"):
        waiting.join("12h")
    with pytest.raises(TooShort, match="too short"):
        waiting.join("1h")
    waiting.join("8h")
    waiting.succeeded("1h")
    waiting.join("1h")
    with pytest.raises(AwsFailed):
        waiting.join("12h")


def test_what_the_computer_refused_is_shared_with_who_waited_and_not_with_who_comes_after(tmp_path: Path) -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    waiting = SingleFlight(tmp_path / "lock", lambda: now)
    SingleFlight(tmp_path / "lock", lambda: now).failed("q", LocalFailure("the disk is full"))
    with pytest.raises(LocalFailure):
        waiting.join("q")
    SingleFlight(tmp_path / "lock", lambda: now).join("q")


def test_failures_that_are_kept_are_few_and_the_youngest(tmp_path: Path) -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    waiting = SingleFlight(tmp_path / "lock", lambda: now)
    for number in range(100):
        SingleFlight(tmp_path / "lock", lambda: now).failed(str(number), LoginRefused("no"))
    assert len(json.loads((tmp_path / "lock.failed").read_text())) == 16
    waiting.join("0")
    with pytest.raises(LoginRefused):
        waiting.join("99")


@pytest.mark.parametrize(
    "planted", [b"", b"[1, 2, 3, 4]", b'{"q": 1}', b'{"q": ["a", 4, "no"]}', b"[" * 99_999, b'{"q": [1e999, 4, "no"]}']
)
def test_what_lies_in_the_place_of_failures_and_is_none_is_none(tmp_path: Path, planted: bytes) -> None:
    write_private(tmp_path / "lock.failed", planted)
    flight = SingleFlight(tmp_path / "lock", lambda: datetime(2026, 11, 23, tzinfo=UTC))
    flight.join("q")
    flight.failed("q", LoginRefused("no"))
    with pytest.raises(LoginRefused):
        flight.join("q")
