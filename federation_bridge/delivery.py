"""How credentials are handed over, as texts: adding a format is adding a function and its line in FORMATS.

Whatever a value holds, it never ends its quotes: each format quotes for its own reader. The command line imports this
module, so it stays small.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC
from types import MappingProxyType

from federation_bridge.durations import format_duration
from federation_bridge.errors import AwsRefused
from federation_bridge.model import AwsCredentials

Format = Callable[[AwsCredentials], str]

_UNQUOTED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-")
_SPECIAL_TO_CMD = frozenset('"%!')
"""A prompt has no way to write them as they are: `%` and `!` name variables even within quotes."""
# PowerShell takes each of these for a single quote.
_POWERSHELL_QUOTES = "'\u2018\u2019\u201a\u201b"


def posix_word(text: str) -> str:
    """One word of a POSIX shell: inside single quotes nothing is special but the quote itself (XCU 2.2.2)."""
    return "'" + text.replace("'", "'\\''") + "'"


def powershell_word(text: str) -> str:
    """One word of PowerShell: each of its quotes is doubled."""
    return "'" + "".join(char * 2 if char in _POWERSHELL_QUOTES else char for char in text) + "'"


def fish_word(text: str) -> str:
    """One word of fish, which knows backslashes within single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _json(credentials: AwsCredentials) -> str:
    document = {
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "SessionToken": credentials.session_token,
        "Expiration": _expiration(credentials),
        "AccountId": credentials.account_id,
        "Role": credentials.role,
        "Region": credentials.region,
        "AssumedRoleArn": credentials.assumed_role_arn,
        **_granted(credentials),
    }
    return json.dumps(document, indent=2) + "\n"


def _granted(credentials: AwsCredentials) -> dict[str, str]:
    """For how long they were granted, and which cap decided it; nothing where neither is known."""
    length = {"Duration": format_duration(credentials.granted)} if credentials.granted else {}
    return length | ({"DurationCap": credentials.cap} if credentials.cap else {})


def _credential_process(credentials: AwsCredentials) -> str:
    """The output of a `credential_process` (AWS SDKs and Tools guide: process credential provider)."""
    document = {
        "Version": 1,
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "SessionToken": credentials.session_token,
        "Expiration": _expiration(credentials),
        "AccountId": credentials.account_id,
    }
    return json.dumps(document) + "\n"


def _env(credentials: AwsCredentials) -> str:
    return _lines(credentials, "export {name}={value}", posix_word)


def _powershell(credentials: AwsCredentials) -> str:
    return _lines(credentials, "$Env:{name} = {value}", powershell_word)


def _fish(credentials: AwsCredentials) -> str:
    return _lines(credentials, "set -gx {name} {value}", fish_word)


def _cmd(credentials: AwsCredentials) -> str:
    """Windows' cmd: within the quotes of `set` nothing is special but the quote, and what names a variable."""

    def plain(value: str) -> str:
        if set(value) & _SPECIAL_TO_CMD:
            raise AwsRefused("a value holds a character that cmd cannot carry safely")
        return value

    return _lines(credentials, 'set "{name}={value}"', plain)


def _dotenv(credentials: AwsCredentials) -> str:
    """Readers of .env files agree on plain words and on little else, so a value that needs more is refused."""

    def plain(value: str) -> str:
        if not set(value) <= _UNQUOTED:
            raise AwsRefused("a value holds a character that .env files cannot carry safely")
        return value

    return _lines(credentials, "{name}={value}", plain)


def _ini(credentials: AwsCredentials) -> str:
    """A profile for ~/.aws/credentials, named for the account and the role."""

    def plain(value: str) -> str:
        if value != value.strip() or value.startswith(("#", ";", "[")):
            raise AwsRefused("a value holds a character that a credentials file cannot carry safely")
        return value

    rows = {
        "aws_access_key_id": credentials.access_key_id,
        "aws_secret_access_key": credentials.secret_access_key,
        "aws_session_token": credentials.session_token,
        "region": credentials.region,
    }
    section = f"[{plain(credentials.account_id)}-{plain(credentials.role).replace(']', '-')}]\n"
    return section + "".join(f"{name} = {plain(value)}\n" for name, value in rows.items())


def _lines(credentials: AwsCredentials, line: str, quoted: Callable[[str], str]) -> str:
    variables = {
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "AWS_CREDENTIAL_EXPIRATION": _expiration(credentials),
        "AWS_REGION": credentials.region,
        "AWS_DEFAULT_REGION": credentials.region,
    }
    return "".join(line.format(name=name, value=quoted(value)) + "\n" for name, value in variables.items())


def _expiration(credentials: AwsCredentials) -> str:
    """RFC 3339, whole seconds, UTC."""
    return credentials.expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _guarded(render: Format) -> Format:
    """Refuses what is no line of text before any format sees it: AWS hands out printable characters only."""

    def rendered(credentials: AwsCredentials) -> str:
        values = (
            credentials.access_key_id,
            credentials.secret_access_key,
            credentials.session_token,
            credentials.account_id,
            credentials.role,
            credentials.region,
            credentials.assumed_role_arn,
        )
        if not all(value.isprintable() for value in values):
            raise AwsRefused("AWS's credentials hold a character that is not printable")
        return render(credentials)

    return rendered


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "json": _guarded(_json),
        "env": _guarded(_env),
        "powershell": _guarded(_powershell),
        "fish": _guarded(_fish),
        "cmd": _guarded(_cmd),
        "ini": _guarded(_ini),
        "dotenv": _guarded(_dotenv),
        "credential-process": _guarded(_credential_process),
    }
)
"""By name, as the command line and the API take it. Each raises AwsRefused for a value it cannot carry safely."""
