"""What was granted is said: its length, its end and the cap that decided, wherever a role is taken."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cli_factories import MAIN, Person
from fake_bridge import ROLE, FakeBridge, Reply, fake_bridge, put_session
from pseudo_terminal import CTRL_C, sitting

HOUR = timedelta(hours=1)
CREDENTIALS = f"/api/v1/roles/{ROLE}/credentials"


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as made:
        made.answers[CREDENTIALS] = made.credentials(8 * HOUR, duration="8h", cap="rule")
        yield made


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    put_session(tmp_path, bridge, ends_at=4_000_000_000)
    return Person(tmp_path, bridge.address, {"LANG": "C.UTF-8"})


CUT = f"{ROLE}: you asked for 9h and got 8h, until "
WHY = " (the longest that your rule allows)\n"
PAGE = Path(__file__).parent.parent.parent / "docs/command-line.md"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("credentials",), id="credentials"),
        pytest.param(("exec",), id="exec"),
        pytest.param(("exec", "--variables"), id="exec with variables"),
    ],
)
def test_a_length_that_was_cut_is_told_with_the_cap_that_cut_it(ada: Person, words: tuple[str, ...]) -> None:
    behind = ("--", sys.executable, "-c", "") if words[0] == "exec" else ()
    status, out, told = ada.run(*words, "--role", ROLE, "--duration", "9h", *behind)
    assert (status, told.startswith(CUT), told.endswith(WHY)) == (0, True, True), told
    assert "asked" not in out
    (shown,) = re.findall(r"```text\n(1.*)\n```", PAGE.read_text("utf-8"))
    assert (shown.startswith(CUT), (shown + "\n").endswith(WHY)) == (True, True)


def test_assume_tells_it_before_the_shell_is_the_role(ada: Person) -> None:
    status, out, told = ada.run("assume", ROLE, "--shell", "bash", "--duration", "9h")
    assert (status, told.startswith(CUT), "This shell has the role" in told, "asked" in out) == (
        0,
        True,
        True,
        False,
    ), told


def test_the_page_names_every_cap_that_the_bridge_tells() -> None:
    named = set(
        re.findall(r"^\| `([a-z_]+)` \| ", PAGE.read_text("utf-8").partition("`DurationCap` |")[2], re.MULTILINE)
    )
    assert {"asked", "usual", "rule", "role", "rule_end", "session"} <= named


def test_serve_tells_it_at_its_start(ada: Person) -> None:
    command = [sys.executable, "-I", str(MAIN), "serve", "--role", ROLE, "--duration", "9h"]
    with sitting(command, ada.environ()) as seat:
        seat.until("you asked for 9h and got 8h, until ")
        seat.until("AWS_CONTAINER_AUTHORIZATION_TOKEN")
        seat.type(CTRL_C)
        assert seat.end() == 130


def test_credential_process_tells_it_on_a_terminal_and_never_where_an_aws_tool_keeps_its_words(ada: Person) -> None:
    words = ("credential-process", "--role", ROLE, "--duration", "9h")
    assert ada.run(*words)[2] == ""
    with sitting([sys.executable, "-I", str(MAIN), *words], ada.environ()) as seat:
        seat.until("you asked for 9h and got 8h, until ")
        assert seat.end() == 0


@pytest.mark.parametrize(
    ("cap", "why"),
    [
        ("asked", "the length that you asked for last time; --duration asks for another"),
        ("usual", "the usual length; --duration asks for another"),
        ("rule", "the longest that your rule allows"),
        ("role", "the longest that the role allows"),
        ("rule_end", "your rule ends then"),
        ("session", "your sign-in ends then"),
        ("chaining", "the longest that AWS allows when one role assumes another"),
    ],
)
def test_every_cap_has_its_words(ada: Person, bridge: FakeBridge, cap: str, why: str) -> None:
    bridge.answers[CREDENTIALS] = bridge.credentials(HOUR, duration="1h", cap=cap)
    told = ada.run("credentials", "--role", ROLE)[2]
    assert told.splitlines()[-1].startswith(f"{ROLE}: 1h, until ")
    assert f" ({why})" in told


@pytest.mark.parametrize("more", [{}, {"cap": "\x1b[2Jx", "duration": "no length"}, {"cap": 7, "duration": None}])
def test_a_bridge_that_does_not_say_it_gets_the_length_that_the_end_means(
    ada: Person, bridge: FakeBridge, more: dict[str, object]
) -> None:
    bridge.answers[CREDENTIALS] = bridge.credentials(HOUR, **more)
    status, _, told = ada.run("credentials", "--role", ROLE)
    assert (status, told.startswith(f"{ROLE}: 1h, until "), "(" in told, "\x1b" in told) == (0, True, False, False), (
        told
    )


def test_what_is_left_is_told_of_credentials_from_the_cache(ada: Person, bridge: FakeBridge) -> None:
    bridge.answers[CREDENTIALS] = bridge.credentials(2 * HOUR, duration="8h", cap="role")
    told = [ada.run("credentials", "--role", ROLE)[2] for _ in range(2)]
    assert all(one.startswith(f"{ROLE}: 2h left of 8h, until ") for one in told), told
    assert all("the longest that the role allows" in one for one in told)
    assert len(bridge.paths()) == 1


def test_a_length_that_an_earlier_command_asked_for_is_told_as_that(ada: Person, bridge: FakeBridge) -> None:
    bridge.answers[CREDENTIALS] = bridge.credentials(4 * HOUR, duration="4h", cap="asked")
    first = ada.run("credentials", "--role", ROLE, "--duration", "4h")[2]
    assert "(as asked for)\n" in first
    assert (
        "(the length that you asked for last time; --duration asks for another)\n"
        in ada.run("credentials", "--role", ROLE)[2]
    )
    assert len(bridge.paths()) == 1


def test_a_role_is_told_by_its_account_s_name_where_the_list_was_seen(ada: Person, bridge: FakeBridge) -> None:
    account, _, role = ROLE.partition("/")
    offered = {"account": account, "account_name": "Log Archive", "role": role, "partition": "aws", "role_arn": "a"}
    bridge.answers["/api/v1/roles"] = Reply(body={"roles": [offered]})
    assert ada.run("credentials", ROLE)[2].startswith(f"{ROLE}: 8h, until ")
    assert ada.run("roles")[0] == 0
    for words in (("credentials", ROLE), ("exec", ROLE, "--", sys.executable, "-c", "")):
        assert ada.run(*words)[2].startswith("Log Archive/Developer: 8h, until ")
    with sitting([sys.executable, "-I", str(MAIN), "serve", ROLE], ada.environ()) as seat:
        seat.until("Serving Log Archive/Developer. ")
        seat.until("Log Archive/Developer: 8h, until ")
        seat.type(CTRL_C)
        assert seat.end() == 130


def test_programs_read_it_in_the_json(ada: Person) -> None:
    for _ in range(2):
        found = json.loads(ada.run("credentials", "--role", ROLE)[1])
        assert (found["Duration"], found["DurationCap"]) == ("8h", "rule")


@pytest.mark.parametrize(
    ("cap", "sentence"),
    [
        ("usual", "last 1h, less than the 2h that --min-remaining asks for. Ask for longer ones: --duration 2h\n"),
        ("rule", "last 1h (the longest that your rule allows), less than the 2h that --min-remaining asks for.\n"),
    ],
)
def test_what_is_too_short_names_what_makes_it_longer_or_what_bounds_it(
    ada: Person, bridge: FakeBridge, cap: str, sentence: str
) -> None:
    # Told to the minute: a slow computer, or a slow network, takes some seconds of the hour.
    bridge.answers[CREDENTIALS] = bridge.credentials(HOUR - timedelta(seconds=5), duration="1h", cap=cap)
    status, _, told = ada.run("credentials", "--role", ROLE, "--min-remaining", "2h")
    assert (status, told.endswith(sentence)) == (10, True), told


def test_what_is_too_short_by_seconds_is_told_with_them(ada: Person, bridge: FakeBridge) -> None:
    """It would read `last 1h, less than the 1h`."""
    bridge.answers[CREDENTIALS] = bridge.credentials(HOUR - timedelta(seconds=5), duration="1h", cap="rule")
    status, _, told = ada.run("credentials", "--role", ROLE, "--min-remaining", "1h")
    assert (status, " last 59m" in told, "less than the 1h that" in told) == (10, True, True), told


# --------------------------------------------------------------------------------------------------------- the console


def test_the_console_takes_a_length_and_a_reason_and_says_what_it_would_get(ada: Person, bridge: FakeBridge) -> None:
    bridge.answers[f"/api/v1/roles/{ROLE}/length"] = Reply(body={"duration": "8h", "cap": "role"})
    wish = ("--duration", "9h", "--reason", "ticket 7 & more", "--to", "/s3/home")
    status, out, told = ada.run("console", "--role", ROLE, *wish, "--print")
    assert (status, told) == (0, f"{ROLE}: you asked for 9h and would get 8h (the longest that the role allows)\n")
    assert out.endswith(f"/go/{ROLE}?to=%2Fs3%2Fhome&duration=9h&reason=ticket%207%20%26%20more\n")


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example/",
        "//evil.example/",
        "s3",
        "http://console.aws.amazon.com/",
        "https://console.aws.amazon.com@x/",
    ],
)
def test_a_page_that_is_none_of_the_console_is_refused_before_anybody_is_asked(
    ada: Person, bridge: FakeBridge, page: str
) -> None:
    for more in ((), ("--print",)):
        status, out, told = ada.run("console", "--role", ROLE, "--to", page, *more)
        assert (status, out, bridge.asked) == (2, "", [])
        assert told == (
            f"fedbridge: {page} is no page of the AWS console. Write a path such as /s3/home, or its address.\n"
        )


@pytest.mark.parametrize(
    "page", ["/s3/home", "https://eu-west-1.console.aws.amazon.com/s3", "https://console.amazonaws.cn/"]
)
def test_a_page_of_any_partition_s_console_goes_along(ada: Person, page: str) -> None:
    assert "?to=" in ada.run("console", "--role", ROLE, "--to", page, "--print")[1]


@pytest.mark.parametrize("answer", [Reply(404, {}), Reply(403, {"error": {"code": "role_not_granted"}}), Reply(0)])
def test_a_console_opens_all_the_same_where_the_bridge_foresees_nothing(
    ada: Person, bridge: FakeBridge, answer: Reply
) -> None:
    bridge.answers[f"/api/v1/roles/{ROLE}/length"] = answer
    status, out, told = ada.run("console", "--role", ROLE, "--print")
    assert (status, out, told) == (0, f"{bridge.address}/go/{ROLE}\n", "")


def test_a_length_that_is_none_is_refused_before_any_browser_opens(ada: Person, bridge: FakeBridge) -> None:
    status, out, told = ada.run("console", "--role", ROLE, "--duration", "9 hours", "--print")
    assert (status, out, bridge.asked) == (2, "", [])
    assert "--duration: 9 hours is not a length of time" in told
