"""Every format of handing credentials over: what its reader reads is what AWS gave, whatever the values hold."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from configparser import RawConfigParser
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.configloader import raw_config_parse

from federation_bridge.delivery import FORMATS
from federation_bridge.errors import AwsRefused
from federation_bridge.model import AwsCredentials

PLAIN = AwsCredentials(
    access_key_id="ASIAEXAMPLEEXAMPLE12",
    secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    session_token="IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJHMEUCIQD=",
    expires_at=datetime(2026, 3, 4, 6, 6, 7, 999_999, tzinfo=UTC),
    account_id="123456789012",
    role="Admin",
    region="eu-central-1",
    assumed_role_arn="arn:aws:sts::123456789012:assumed-role/Admin/alice@example.com",
)

ODD = [
    "'",
    "''",
    "'; touch broken; '",
    '"; touch broken; "',
    "$(touch broken)",
    "`touch broken`",
    "${HOME}",
    "$env:PATH",
    "%PATH%",
    "%(home)s",
    "\\",
    "\\'",
    "\\\\' touch broken #",
    "a b",
    "#x",
    ";x",
    "[x]",
    "x=y",
    "!x",
    "~",
    "*",
    "&& touch broken",
    "| touch broken",
    "\u2018; touch broken; \u2019",
    "\u201a\u201b",
    "\u00e9\u5c71",
    "{name}",
    "{0}",
    "",
]

UNPRINTABLE = ["a\nb", "a\rb", "a\tb", "a\x00b", "a\x1b[2J", "a\x7fb", "a\x85b", "a\u2028b", "a\u202eb", "\ud800"]


def read_json(text: str) -> tuple[str, str, str]:
    document = json.loads(text)
    return document["AccessKeyId"], document["SecretAccessKey"], document["SessionToken"]


def read_sh(text: str) -> tuple[str, str, str]:
    script = text + 'printf "%s\\0" "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$AWS_SESSION_TOKEN"'
    # A path that holds no command: what breaks out of its quotes fails loudly.
    done = subprocess.run(
        ["/bin/sh", "-eu"], input=script.encode(), capture_output=True, check=True, env={"PATH": "/nowhere"}, timeout=60
    )
    assert done.stderr == b""
    first, second, third, rest = done.stdout.decode().split("\0")
    assert rest == ""
    return first, second, third


def _read_lines(text: str, line: str, unquoted: Callable[[str], str]) -> tuple[str, str, str]:
    found = {}
    for one in text.removesuffix("\n").split("\n"):
        match = re.fullmatch(line, one)
        assert match, f"no line of this format: {one!r}"
        found[match["name"]] = unquoted(match["value"])
    return found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"], found["AWS_SESSION_TOKEN"]


def read_powershell(text: str) -> tuple[str, str, str]:
    quote = "['\u2018\u2019\u201a\u201b]"
    line = rf"\$Env:(?P<name>[A-Z_]+) = '(?P<value>(?:[^'\u2018\u2019\u201a\u201b]|{quote}{quote})*)'"
    return _read_lines(text, line, lambda value: re.sub(f"({quote}){quote}", r"\1", value))


def read_fish(text: str) -> tuple[str, str, str]:
    line = r"set -gx (?P<name>[A-Z_]+) '(?P<value>(?:[^'\\]|\\['\\])*)'"
    return _read_lines(text, line, lambda value: re.sub(r"\\(['\\])", r"\1", value))


def read_dotenv(text: str) -> tuple[str, str, str]:
    return _read_lines(text, r"(?P<name>[A-Z_]+)=(?P<value>[\w@%+=:,./-]*)", lambda value: value)


def read_ini(text: str) -> tuple[str, str, str]:
    """As the SDKs read a credentials file."""
    parser = RawConfigParser()
    parser.read_string(text)
    (section,) = parser.sections()
    assert section == "123456789012-Admin"
    values = parser[section]
    assert set(values) == {"aws_access_key_id", "aws_secret_access_key", "aws_session_token", "region"}
    return values["aws_access_key_id"], values["aws_secret_access_key"], values["aws_session_token"]


def read_cmd(text: str) -> tuple[str, str, str]:
    """As cmd reads it: all between the first and the last quote; what names a variable would be put in its place."""
    assert not set(text) & set("%!^")
    return _read_lines(text, r'set "(?P<name>[A-Z_]+)=(?P<value>[^"]*)"', lambda value: value)


READERS: dict[str, Callable[[str], tuple[str, str, str]]] = {
    "json": read_json,
    "env": read_sh,
    "powershell": read_powershell,
    "fish": read_fish,
    "cmd": read_cmd,
    "ini": read_ini,
    "dotenv": read_dotenv,
    "credential-process": read_json,
}


def test_every_format_has_a_reader_here() -> None:
    assert set(READERS) == set(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_read_is_what_aws_gave(name: str) -> None:
    assert READERS[name](FORMATS[name](PLAIN)) == (PLAIN.access_key_id, PLAIN.secret_access_key, PLAIN.session_token)


@pytest.mark.parametrize("name", FORMATS)
def test_every_text_ends_in_one_line_break(name: str) -> None:
    text = FORMATS[name](PLAIN)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", FORMATS)
def test_an_odd_value_is_read_as_it_is_or_refused_and_never_breaks_out(name: str, odd: str) -> None:
    credentials = replace(PLAIN, secret_access_key=odd, session_token=f"x{odd}x")
    try:
        text = FORMATS[name](credentials)
    except AwsRefused:
        assert name in ("cmd", "dotenv", "ini"), "the formats that have no quotes of their own"
        return
    assert READERS[name](text) == (PLAIN.access_key_id, odd, f"x{odd}x")


@pytest.mark.parametrize("unprintable", UNPRINTABLE)
@pytest.mark.parametrize("field", ["access_key_id", "secret_access_key", "session_token", "region", "role"])
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_not_printable_is_refused_by_every_format_without_being_repeated(
    name: str, field: str, unprintable: str
) -> None:
    with pytest.raises(AwsRefused) as refused:
        FORMATS[name](replace(PLAIN, **cast("Any", {field: unprintable})))
    assert unprintable not in refused.value.detail


def test_the_process_credentials_are_those_that_aws_tools_expect() -> None:
    assert json.loads(FORMATS["credential-process"](PLAIN)) == {
        "Version": 1,
        "AccessKeyId": PLAIN.access_key_id,
        "SecretAccessKey": PLAIN.secret_access_key,
        "SessionToken": PLAIN.session_token,
        "Expiration": "2026-03-04T06:06:07Z",
        "AccountId": "123456789012",
    }


def test_an_expiry_in_another_zone_is_told_in_utc() -> None:
    elsewhere = replace(PLAIN, expires_at=PLAIN.expires_at.astimezone(timezone(timedelta(hours=9))))
    assert json.loads(FORMATS["json"](elsewhere))["Expiration"] == "2026-03-04T06:06:07Z"


def test_a_shell_gets_the_region_and_the_expiry_too() -> None:
    script = FORMATS["env"](PLAIN) + 'echo "$AWS_REGION $AWS_DEFAULT_REGION $AWS_CREDENTIAL_EXPIRATION"'
    done = subprocess.run(
        ["/bin/sh", "-eu", "-c", script], capture_output=True, check=True, text=True, timeout=60, env={}
    )
    assert done.stdout == "eu-central-1 eu-central-1 2026-03-04T06:06:07Z\n"


def test_botocore_reads_the_profile(tmp_path: Path) -> None:
    path = tmp_path / "credentials"
    path.write_text(FORMATS["ini"](PLAIN), encoding="utf-8")
    assert raw_config_parse(str(path))["123456789012-Admin"]["aws_session_token"] == PLAIN.session_token
