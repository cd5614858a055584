"""The session on the computer survives interruptions, lost answers and deaths as far as a token used once allows."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_factories import Person
from fake_bridge import REFUSED, Asked, FakeBridge, Reply, fake_bridge, put_session, tokens

from federation_bridge import errors
from federation_bridge.cli.http_client import Answer
from federation_bridge.cli.session.local_session import _refused

ME = Reply(body={"person": "corp/ada", "name": "Ada Moss", "ends_at": "2030-01-01T00:00:00+00:00"})


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as running:
        running.answers |= {"/api/v1/me": ME, "/oauth/revoke": Reply(body={})}
        yield running


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    put_session(tmp_path, bridge)
    return Person(tmp_path, bridge.address)


def stored(person: Person) -> str:
    return str(json.loads((person.folder / "session.json").read_bytes())["refresh_token"])


class Rotating:
    """A token endpoint that takes each refresh token once, and holds its answers back until it is told to give them."""

    def __init__(self, *, held: bool = False) -> None:
        self.spent: list[str] = []
        self.rotated, self.answering = threading.Event(), threading.Event()
        if not held:
            self.answering.set()

    def __call__(self, asked: Asked) -> Reply:
        token = asked.fields["refresh_token"]
        if token in self.spent:
            return Reply(400, REFUSED)
        self.spent.append(token)
        self.rotated.set()
        assert self.answering.wait(60)
        return tokens(len(self.spent))


def killed_while_renewing(person: Person, rotating: Rotating) -> None:
    """One command, killed when the bridge has rotated the token and the answer is on its way."""
    process = person.start("whoami")
    assert rotating.rotated.wait(60)
    process.kill()
    process.communicate()
    rotating.answering.set()


def make_older(mark: Path, seconds: float) -> None:
    found = json.loads(mark.read_bytes())
    mark.write_text(json.dumps(found | {"asked_at": found["asked_at"] - seconds}))


def test_a_renewal_keeps_the_next_token(ada: Person, bridge: FakeBridge) -> None:
    bridge.answers["/oauth/token"] = Rotating()
    assert ada.run("whoami")[0] == 0
    assert (stored(ada), bridge.used()) == ("refresh-1", ["refresh-0"])


def test_after_a_death_in_the_middle_of_a_renewal_the_token_is_not_replayed_and_the_person_told(
    ada: Person, bridge: FakeBridge
) -> None:
    bridge.answers["/oauth/token"] = rotating = Rotating(held=True)
    killed_while_renewing(ada, rotating)
    make_older(ada.folder / "session.renewing", 60)
    status, _, words = ada.run("whoami")
    assert (status, "was interrupted" in words, "Traceback" in words) == (3, True, False), words
    assert (bridge.used(), bridge.revoked()) == (["refresh-0"], ["refresh-0"])
    assert not (ada.folder / "session.json").exists()
    assert ada.run("whoami")[2].count("\n") == 1


def test_a_computer_whose_clock_went_back_after_the_death_does_not_replay_either(
    ada: Person, bridge: FakeBridge
) -> None:
    bridge.answers["/oauth/token"] = rotating = Rotating(held=True)
    killed_while_renewing(ada, rotating)
    make_older(ada.folder / "session.renewing", -3600)
    assert (ada.run("whoami")[0], bridge.used()) == (3, ["refresh-0"])


def test_moments_after_a_death_the_token_is_tried_again_since_that_ends_nothing(
    ada: Person, bridge: FakeBridge
) -> None:
    answers = iter([Reply(0), tokens(1)])
    bridge.answers["/oauth/token"] = rotating = Rotating(held=True)
    killed_while_renewing(ada, rotating)
    bridge.answers["/oauth/token"] = lambda _: next(answers)
    assert (ada.run("whoami")[0], stored(ada)) == (0, "refresh-1")


@pytest.mark.parametrize("lost", [Reply(0), Reply(200, tokens(1).body, cut=True), Reply(502, b"<html>")])
def test_an_answer_that_got_lost_is_asked_for_again_at_once(ada: Person, bridge: FakeBridge, lost: Reply) -> None:
    answers = iter([lost, tokens(1)])
    bridge.answers["/oauth/token"] = lambda _: next(answers)
    assert (ada.run("whoami")[0], stored(ada)) == (0, "refresh-1")


def test_a_session_whose_answer_is_lost_for_good_is_ended_at_the_bridge_too(ada: Person, bridge: FakeBridge) -> None:
    answers = iter([Reply(0), Reply(400, REFUSED)])
    bridge.answers["/oauth/token"] = lambda _: next(answers)
    status, _, words = ada.run("whoami")
    assert (status, "was interrupted" in words, bridge.revoked()) == (3, True, ["refresh-0"])


def test_a_bridge_that_cannot_be_reached_costs_no_session(ada: Person, bridge: FakeBridge) -> None:
    bridge.answers["/oauth/token"] = Reply(503, {"error": "temporarily_unavailable"})
    assert ada.run("whoami")[0] == 7
    assert not (ada.folder / "session.renewing").exists()
    bridge.answers["/oauth/token"] = Rotating()
    assert (ada.run("whoami")[0], stored(ada)) == (0, "refresh-1")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_interruption_waits_until_the_renewed_session_is_kept(
    ada: Person, bridge: FakeBridge, number: int, status: int
) -> None:
    bridge.answers["/oauth/token"] = rotating = Rotating(held=True)
    process = ada.start("whoami")
    assert rotating.rotated.wait(60)
    process.send_signal(number)
    time.sleep(0.2)  # the signal has no other sign of its arrival: the process shows none, by design
    rotating.answering.set()
    _, words = process.communicate(timeout=60)
    assert (process.returncode, stored(ada), "Traceback" in words) == (status, "refresh-1", False), words


def _kinds(of: type[errors.BridgeError]) -> list[type[errors.BridgeError]]:
    return [of, *(deeper for kind in of.__subclasses__() for deeper in _kinds(kind))]


@pytest.mark.parametrize(
    ("of", "exit_status"), [(errors.AwsRefused, 9), (errors.AwsUnreachable, 9), (errors.RoleNotGranted, 5)]
)
def test_each_kind_of_a_refusal_has_the_exit_status_of_its_family(
    of: type[errors.BridgeError], exit_status: int
) -> None:
    for kind in _kinds(of):
        # What a fresh sign-in mends ends as every need of a sign-in does.
        if kind.__module__ == errors.__name__ and kind is not errors.SignInAgain:
            error = {"code": kind.code, "message": "No.", "reference": "r1"}
            assert _refused(Answer(kind.status, {"error": error})).exit_status == exit_status, kind


def test_a_role_that_wants_a_fresh_sign_in_ends_as_a_session_that_is_over() -> None:
    error = {"code": errors.SignInAgain.code, "message": "No.", "reference": "r1"}
    assert _refused(Answer(errors.SignInAgain.status, {"error": error})).exit_status == 3


ENDED = {"error": "invalid_grant", "error_description": "Ended.", "code": "access_ended"}
BLOCKED = {"error": "invalid_grant", "error_description": "Blocked.", "code": "access_blocked"}


def test_who_is_blocked_is_told_so_each_time_and_led_into_no_sign_in(ada: Person, bridge: FakeBridge) -> None:
    bridge.answers["/oauth/token"] = Reply(400, BLOCKED)
    for _ in range(2):
        status, _, told = ada.run("whoami")
        assert (status, "blocked" in told, "login" in told) == (4, True, False)
    assert "/oauth/device" not in bridge.paths()
    assert stored(ada) == "refresh-0", "the next one hears the same, until the block is lifted"


def test_who_was_ended_is_told_so_before_the_next_sign_in(ada: Person, bridge: FakeBridge) -> None:
    bridge.answers["/oauth/token"] = Reply(400, ENDED)
    status, _, told = ada.run("whoami")
    assert (status, "ended by an administrator" in told) == (3, True)
    assert not (ada.folder / "session.json").exists()
