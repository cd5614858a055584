"""What `assume` changes in a shell's environment, and how it is taken back: exactly what it set, and nothing else.

The shell itself remembers what stood there before, in one variable. What the person changed since is theirs and stays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from federation_bridge.cli.credentials.container import ASSUMED, COMPETITORS, REGION_NAMES
from federation_bridge.model import AwsCredentials

ROLE, ACCOUNT, EXPIRES, _MEMORY = ASSUMED
"""For the prompt: the role as people call it, the account's number, the end in seconds since 1970; what was before."""
_NAMES = (*COMPETITORS, *REGION_NAMES, ROLE, ACCOUNT, EXPIRES)
_PLAIN = frozenset("_.+=,@/- ")

Changes = dict[str, str | None]
"""The new values of variables; None takes one away."""


def assuming(environ: Mapping[str, str], credentials: AwsCredentials, label: str, region: str) -> Changes:
    """The changes that make this shell the role. `region` is one that was asked for; empty: as it was, else its own."""
    base = _after(environ, leaving(environ))
    wanted: dict[str, str | None] = dict.fromkeys(COMPETITORS)
    wanted |= {
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "AWS_CREDENTIAL_EXPIRATION": credentials.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        ROLE: "".join(char if char.isalnum() or char in _PLAIN else "?" for char in label),
        ACCOUNT: credentials.account_id,
        EXPIRES: str(int(credentials.expires_at.timestamp())),
    }
    usual = region or next((base[name] for name in REGION_NAMES if base.get(name)), credentials.region) or None
    wanted |= {name: usual if region else base.get(name, usual) for name in REGION_NAMES}
    changed = {name: value for name, value in wanted.items() if value != base.get(name)}
    memory = {name: [base.get(name), _digest(value)] for name, value in changed.items()}
    back_to_base = {name: value for name, value in leaving(environ).items() if name not in changed}
    return back_to_base | changed | {_MEMORY: json.dumps(memory)}


def leaving(environ: Mapping[str, str]) -> Changes:
    """The changes that take back what `assuming` set here; none where it set nothing."""
    if _MEMORY not in environ:
        return {}
    ours = {
        name: before
        for name, (before, digest) in _remembered(environ).items()
        if digest == _digest(environ.get(name)) and before != environ.get(name)
    }
    return {**ours, _MEMORY: None}


def _after(environ: Mapping[str, str], changes: Changes) -> dict[str, str]:
    return {name: value for name, value in {**environ, **changes}.items() if value is not None}


def _remembered(environ: Mapping[str, str]) -> dict[str, tuple[str | None, str]]:
    """What the shell remembers, of the variables that are ours to change and of no others."""
    try:
        found = json.loads(environ[_MEMORY])
        pairs = {name: (found[name][0], str(found[name][1])) for name in _NAMES if name in found}
    except (ValueError, TypeError, LookupError, RecursionError):
        return {}
    return {name: pair for name, pair in pairs.items() if pair[0] is None or isinstance(pair[0], str)}


def _digest(value: str | None) -> str:
    """Tells whether a value is still the one that was set, and does not repeat it."""
    return "" if value is None else hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()[:16]
