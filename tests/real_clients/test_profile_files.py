"""What `configure` and `doctor` read from files of profiles is what botocore and the real AWS CLI see there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import botocore.session
import pytest
from aws_cli import aws_program, preloaded, unpacked
from aws_files_factories import CONFIGS, CREDENTIALS
from begun_programs import run
from botocore.exceptions import ConfigParseError

from federation_bridge.cli.aws_config.blocks import Profile
from federation_bridge.cli.aws_config.files import Broken, config_path, seen_in_config, seen_in_credentials
from federation_bridge.cli.aws_config.profiles import profiles, reconcile
from federation_bridge.cli.credentials.roles import RoleOnOffer

BRIDGE = "https://aws.example.com"
COMMAND = "credential_process"
BY_THE_CLI_TOO = {
    "a byte order mark",
    "a section twice",
    "a bare name beside the profile",
    "default, then profile default",
    "quoted names",
    "an indented head behind a setting",
    "capitals",
    "the word profile belongs to the name",
}
"""The AWS CLI takes seconds to start, and reads by the code of botocore: it is asked where people err most."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    return tmp_path


def by_botocore() -> Mapping[str, Mapping[str, object]] | None:
    """The profiles that botocore sees; None where it refuses the file."""
    try:
        found: Mapping[str, Mapping[str, object]] = botocore.session.Session().full_config["profiles"]
    except ConfigParseError:
        return None
    return found


def by_cli(home: Path, *words: str) -> list[str] | None:
    """The lines that `aws WORDS` writes; None where it refuses."""
    environ = {"HOME": str(home), "PATH": os.defpath, "LANG": "C.UTF-8", "AWS_PAGER": ""}
    command = [str(aws_program()), *words]
    ran = run(command, programs=[preloaded(unpacked())], env=environ, cwd=home, capture_output=True, timeout=60)
    return ran.stdout.decode().splitlines() if ran.returncode == 0 else None


def plain(seen: Mapping[str, Mapping[str, object]]) -> dict[str, dict[str, object]]:
    """The settings but for what stands below others, which botocore takes apart."""
    kept = {name: dict(settings) for name, settings in seen.items()}
    for settings in kept.values():
        below = [option for option, value in settings.items() if isinstance(value, dict) or str(value)[:1] == "\n"]
        for option in below:
            settings.pop(option)
    return kept


def ours(read: Callable[[], Mapping[str, Mapping[str, str]]]) -> Mapping[str, Mapping[str, str]] | None:
    try:
        return read()
    except Broken as why:
        assert str(why)
        return None


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_is_read_as_aws_tools_read_it(home: Path, name: str) -> None:
    (home / ".aws/config").write_bytes(CONFIGS[name].encode())
    seen = ours(lambda: seen_in_config(CONFIGS[name]).profiles)
    theirs = by_botocore()
    assert (seen is None) == (theirs is None)
    if seen is not None and theirs is not None:
        assert plain(seen) == plain(theirs)
    if name in BY_THE_CLI_TOO:
        assert (None if seen is None else list(seen)) == by_cli(home, "configure", "list-profiles")


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_credentials_file_is_read_as_aws_tools_read_it(home: Path, name: str) -> None:
    (home / ".aws/credentials").write_bytes(CREDENTIALS[name].encode())
    seen = ours(lambda: seen_in_credentials(CREDENTIALS[name]))
    theirs = by_botocore()
    assert (seen and plain(seen)) == (theirs and plain(theirs))
    if name in BY_THE_CLI_TOO:
        assert (None if seen is None else list(seen)) == by_cli(home, "configure", "list-profiles")


@pytest.mark.parametrize("spelling", ["~/elsewhere", "$HOME/elsewhere", "${HOME}/elsewhere"])
def test_the_place_of_the_config_is_read_as_aws_tools_read_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    (home / "elsewhere").write_text("[profile there]\nregion = a\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", spelling)
    assert config_path(os.environ) == (home / "elsewhere").resolve()
    assert list(by_botocore() or {}) == ["there"]


# ---------------------------------------------------------------------------------------------------- what is written


def _wanted(name: str = "x") -> Profile:
    return Profile(name, "111122223333/Developer", (f"{COMMAND} = /ours",))


@pytest.mark.parametrize("name", CONFIGS)
def test_what_is_told_as_written_is_there_for_aws_tools_and_what_is_not_is_told(home: Path, name: str) -> None:
    try:
        after = reconcile(CONFIGS[name], BRIDGE, [_wanted()])
    except Broken:
        (home / ".aws/config").write_bytes(CONFIGS[name].encode())
        assert by_botocore() is None, "AWS tools read what we refuse"
        return
    (home / ".aws/config").write_bytes(after.text.encode())
    found = by_botocore()
    assert found is not None
    assert after.written == (("x",) if found["x"].get(COMMAND) == "/ours" else ())
    assert after.written or after.notices
    again = reconcile(after.text, BRIDGE, [_wanted()])
    assert (again.text, again.written) == (after.text, after.written)


def test_settings_that_the_aws_cli_adds_to_our_profile_stay_in_it(home: Path) -> None:
    path = home / ".aws/config"
    path.write_text(reconcile("[default]\nregion = a\n", BRIDGE, [_wanted()]).text)
    assert by_cli(home, "configure", "set", "output", "yaml", "--profile", "x") is not None
    assert by_cli(home, "configure", "set", "s3.addressing_style", "path", "--profile", "x") is not None
    for wanted, name in ((_wanted(), "x"), (_wanted("y"), "y")):
        path.write_text(reconcile(path.read_text(), BRIDGE, [wanted]).text)
        found = (by_botocore() or {})[name]
        assert found == {COMMAND: "/ours", "output": "yaml", "s3": {"addressing_style": "path"}}
    assert (by_botocore() or {})["default"] == {"region": "a"}


NAMES = [
    *(
        "生产",
        "测试",
        "生产 EU",
        "إنتاج",
        "продукция",
        "🚀",
        "🚀🚀",
        "Zürich",
        "Zurich",
        "A\uff21",
        "a\u200bb",
        "\uff41",
    ),
    *("Log Archive", "Log-Archive", "Log  Archive", " ", "-a", "a-", "a", "A", "default", "~", "*", "%a%"),
    *("a/b", "a\\b", "a$b", "a;b", "a'b", 'a"b', "a]b", "a#b", "a=b", "a,b", "a@b.example"),
]


def test_accounts_of_any_name_have_profiles_that_differ_and_that_shells_and_aws_tools_take(home: Path) -> None:
    roles = [
        RoleOnOffer(f"{1000_0000_0000 + number}", name, "aws", "Developer", "arn:x", "1h")
        for number, name in enumerate(NAMES)
    ]
    made = profiles(roles, "{account_name}-{role}", {one.key: "/ours" for one in roles})
    names = [one.name for one in made]
    assert len(set(names)) == len(NAMES)
    # A profile's name is its account's own affair: it is the same whichever other accounts there are.
    alone = [profiles([one], "{account_name}-{role}", {one.key: "/ours"})[0].name for one in roles]
    assert alone == names
    after = reconcile("", BRIDGE, made)
    assert after.written == tuple(names)
    (home / ".aws/config").write_text(after.text)
    assert by_cli(home, "configure", "list-profiles") == names
    # A shell hands each on as one word, unquoted, and no command takes it for an option.
    echoed = subprocess.run(
        ["/bin/sh", "-c", "printf '%s\\n' " + " ".join(names)], cwd=home, capture_output=True, text=True, check=True
    )
    assert echoed.stdout.splitlines() == names
    assert not [name for name in names if name.startswith("-")]
