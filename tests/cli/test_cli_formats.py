"""`fedbridge credentials --format`: every text is read by the program that it is made for, whatever the values hold."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from absent_software import program
from cli_factories import Person, beside_the_grant
from fake_bridge import ROLE, FakeBridge, fake_bridge, put_session

from federation_bridge.delivery import FORMATS

NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION")
PLAIN = "wJalrXUtnFEMI/K7MDENG+bPxRfi=="
HOSTILE = [
    "it's $(touch broken) `touch broken` ${HOME} $HOME",
    "'; touch broken; '",
    '" ; touch broken ; "',
    "\\' ; touch broken #",
    "\\",
    "a\\\\'b\\",
    "{a,b} * ? [x] ~ ! & | ; < > ( ) %h",
    "\u5206\u6790 \u00e9",
]


@pytest.fixture
def bridge() -> Iterator[FakeBridge]:
    with fake_bridge() as made:
        yield made


@pytest.fixture
def ada(bridge: FakeBridge, tmp_path: Path) -> Person:
    put_session(tmp_path, bridge, ends_at=4_000_000_000)
    return Person(tmp_path, bridge.address, {"LANG": "C.UTF-8"})


@pytest.mark.parametrize(("cap", "is_told"), [("session", True), ("usual", False), (None, False)])
def test_credentials_that_end_with_the_sign_in_say_so_beside_them(
    ada: Person, bridge: FakeBridge, cap: str | None, is_told: bool
) -> None:
    hour = timedelta(hours=1)
    bridge.answers[f"/api/v1/roles/{ROLE}/credentials"] = bridge.credentials(
        hour, **({} if cap is None else {"cap": cap})
    )
    status, out, words = ada.run("credentials", "--role", ROLE, "--format", "json")
    assert (status, json.loads(out)["AccessKeyId"]) == (0, "ASIAEXAMPLE")
    assert ("end with your sign-in" in words) is is_told


def handed_over(ada: Person, bridge: FakeBridge, form: str, secret: str) -> tuple[int, str, str]:
    bridge.answers[f"/api/v1/roles/{ROLE}/credentials"] = bridge.credentials(secret_access_key=secret)
    return ada.run("credentials", "--role", ROLE, "--format", form)


def _ran(command: list[str], folder: Path, text: str) -> list[str]:
    done = subprocess.run(
        command, cwd=folder, input=text, text=True, capture_output=True, check=True, timeout=60, env={"LANG": "C.UTF-8"}
    )
    assert done.stderr == ""
    return done.stdout.split("\0")[:-1]


def by_bash(folder: Path, text: str) -> list[str]:
    script = 'eval "$(cat)"; for name in "$@"; do printf "%s\\0" "${!name}"; done'
    return _ran([program("bash", "apt-get install bash"), "-euc", script, "bash", *NAMES], folder, text)


def by_fish(folder: Path, text: str) -> list[str]:
    script = r"source; for name in $argv; printf '%s\0' $$name; end"
    return _ran([program("fish", "apt-get install fish"), "--no-config", "-c", script, *NAMES], folder, text)


def by_zsh(folder: Path, text: str) -> list[str]:
    script = 'eval "$(cat)"; for name in "$@"; do printf "%s\\0" "${(P)name}"; done'
    return _ran([program("zsh", "apt-get install zsh"), "-f", "-euc", script, "zsh", *NAMES], folder, text)


def by_botocore(folder: Path, text: str) -> list[str]:
    (folder / "shared").write_text(text, encoding="utf-8")
    script = (
        "import botocore.session, os, sys; s = botocore.session.Session(profile=sys.argv[1]);"
        "c = s.get_credentials(); r = s.get_config_variable('region');"
        "print(c.access_key, c.secret_key, c.token, r, r, sep='\\0', end='\\0')"
    )
    files = {"AWS_SHARED_CREDENTIALS_FILE": str(folder / "shared"), "AWS_CONFIG_FILE": "/dev/null"}
    profile = text.partition("[")[2].partition("]")[0]
    done = subprocess.run(
        [sys.executable, "-c", script, profile], text=True, capture_output=True, timeout=60, check=True,
        env={"LANG": "C.UTF-8", **files},
    )  # fmt: skip
    return done.stdout.split("\0")[:-1]


def by_json(_: Path, text: str) -> list[str]:
    found = json.loads(text)
    return [found[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken", "Region", "Region")]


def by_dotenv_rules(_: Path, text: str) -> list[str]:
    """What all readers of such files take alike: NAME=value, without quotes, blanks, `$` or `#`."""
    found = dict(re.fullmatch(r"([A-Z_]+)=([\w@%+=:,./-]*)", line).groups() for line in text.splitlines())  # type: ignore[union-attr,misc]  # two groups
    return [found[name] for name in NAMES]


def by_cmd_rules(_: Path, text: str) -> list[str]:
    """What a prompt of cmd makes of `set "NAME=value"`: all up to the last quote, where no variable is named."""
    found = dict(re.fullmatch(r'set "([A-Z_]+)=([^"%!]*)"', line).groups() for line in text.splitlines())  # type: ignore[union-attr,misc]  # two groups
    return [found[name] for name in NAMES]


READERS: list[tuple[str, Callable[[Path, str], list[str]]]] = [
    ("env", by_bash),
    ("env", by_zsh),
    ("fish", by_fish),
    ("ini", by_botocore),
    ("json", by_json),
    ("dotenv", by_dotenv_rules),
    ("cmd", by_cmd_rules),
]
NOT_RUN = {"powershell", "credential-process"}
"""PowerShell is not on the machines that run this; credential-process is run by the clients' own tests."""


def test_every_format_is_read_here_or_named_as_not_run() -> None:
    assert {form for form, _ in READERS} | NOT_RUN == set(FORMATS)


@pytest.mark.parametrize(("form", "read"), READERS)
def test_the_program_that_a_format_is_for_reads_what_aws_gave(
    ada: Person, bridge: FakeBridge, tmp_path: Path, form: str, read: Callable[[Path, str], list[str]]
) -> None:
    status, text, words = handed_over(ada, bridge, form, PLAIN)
    assert (status, beside_the_grant(words)) == (0, "")
    assert read(tmp_path, text) == ["ASIAEXAMPLE", PLAIN, "token", "eu-central-1", "eu-central-1"]


@pytest.mark.parametrize(("form", "read"), READERS)
def test_hostile_values_arrive_whole_or_not_at_all_and_run_nothing(
    ada: Person, bridge: FakeBridge, tmp_path: Path, form: str, read: Callable[[Path, str], list[str]]
) -> None:
    folder = tmp_path / "where the shell runs"
    folder.mkdir()
    for secret in HOSTILE:
        status, text, words = handed_over(ada, bridge, form, secret)
        if status == 0:
            assert read(folder, text)[1] == secret
        else:
            assert (status, text, form in {"dotenv", "ini", "cmd"}, words.count("\n")) == (1, "", True, 1)
            assert secret not in words
        for answer in (ada.folder / "answers").glob("*"):
            answer.unlink()
    assert not list(tmp_path.rglob("broken*"))


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_a_value_with_a_control_character_is_handed_over_in_no_format(
    ada: Person, bridge: FakeBridge, form: str
) -> None:
    for secret in ("a\nAWS_REGION=x", "a\x1b[2J", "a\u202eb"):
        status, text, words = handed_over(ada, bridge, form, secret)
        assert (status != 0, text, words.count("\n"), words.rstrip("\n").isprintable()) == (True, "", 1, True), words
