"""Credentials as texts to paste: one for each form, with a preview in which nothing is secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from federation_bridge.delivery import FORMATS
from federation_bridge.durations import format_duration
from federation_bridge.errors import AwsRefused
from federation_bridge.grant import RoleRequest
from federation_bridge.model import AwsCredentials
from federation_bridge.web.door import door
from federation_bridge.web.pages import lengths

SHOWN = {
    "env": "bash, zsh",
    "fish": "fish",
    "powershell": "PowerShell",
    "cmd": "cmd",
    "ini": "~/.aws/credentials",
    "json": "JSON",
    "dotenv": ".env",
}
"""The forms of `delivery.FORMATS` that people paste, in the order of their tabs, by the names that they go by."""

_HIDDEN = "." * 12
"""Stands for a secret in a preview. No form has to quote dots."""
_DOTS = "•" * 12
_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class CredentialText:
    """Credentials in one form."""

    name: str
    title: str
    text: str = field(repr=False)
    """Empty where this form cannot carry the values safely."""
    preview: str
    """The same without secrets."""


def texts_of(credentials: AwsCredentials) -> tuple[CredentialText, ...]:
    """Every form, in the order of the tabs. A form that cannot carry a value is left empty."""
    return tuple(_texts(credentials))


def _texts(credentials: AwsCredentials) -> Iterator[CredentialText]:
    hidden = replace(credentials, secret_access_key=_HIDDEN, session_token=_HIDDEN)
    for name, title in SHOWN.items():
        try:
            text, preview = FORMATS[name](credentials), FORMATS[name](hidden)
        except AwsRefused:
            text, preview = "", ""
        yield CredentialText(name, title, text, preview.replace(_HIDDEN, _DOTS))


def fedbridge_lines(base_url: str, credentials: AwsCredentials) -> str:
    """What does the same from a terminal, and renews it: the same in each shell."""
    role = f"{credentials.account_id}/{credentials.role}"
    # `,` and `=` mean something to PowerShell; within double quotes no shell reads anything in a role's name.
    quoted = role if _NEEDS_NO_QUOTES.fullmatch(role) else f'"{role}"'
    return f"fedbridge login {base_url}\nfedbridge exec {quoted} -- aws sts get-caller-identity\n"


def shown(credentials: AwsCredentials, asked: RoleRequest) -> dict[str, object]:
    """What the page of credentials shows of them, and of what was asked for."""
    account = door().rulebook.in_force.register.accounts.get(credentials.account_id)
    return {
        "credentials": credentials,
        "account": account,
        "account_name": account.name if account else credentials.account_id,
        "texts": texts_of(credentials),
        "now": door().clock(),
        "length": format_duration(credentials.granted) if credentials.granted else "",
        "asked_length": format_duration(asked.duration) if asked.duration else "",
        "why": lengths.why(credentials.cap),
        "again_at": f"/roles/{credentials.account_id}/{quote(credentials.role, safe='+=,@')}",
        "fedbridge_lines": fedbridge_lines(door().settings.base_url, credentials),
    }
