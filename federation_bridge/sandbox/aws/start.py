"""Starting a local AWS from options, as the command does: state read, accounts made, served, and what to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.sandbox.aws import provisioning
from federation_bridge.sandbox.aws.app import serve_local_aws
from federation_bridge.sandbox.aws.error_responses import Refused
from federation_bridge.sandbox.aws.local_aws import LocalAws, Mode, make_local_aws
from federation_bridge.sandbox.aws.state import AccessKey
from federation_bridge.settings import is_loopback

FIRST_ACCOUNT = "000000000000"


@dataclass(frozen=True, slots=True)
class StartOptions:
    """What the command was told."""

    host: str = "127.0.0.1"
    port: int = 0
    allow_beyond_loopback: bool = False
    state: Path | None = None
    accounts: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    thumbprints: tuple[str, ...] = ()
    mode: str = "aws"
    events: Path | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A local AWS that answers until `stop()`; `lines` say how to use it."""

    local: LocalAws
    address: str
    lines: tuple[str, ...]
    stop: Callable[[], None]


def started(options: StartOptions) -> Running:
    """Starts a local AWS; ConfigurationInvalid for options that do not fit."""
    local = make_local_aws(mode=cast("Mode", options.mode), issuers=issuer_table(options.issuers))
    local.thumbprints.update(thumbprint_table(options.thumbprints))
    local.events.path = options.events
    if options.state is not None:
        from federation_bridge.sandbox.aws.state_file import (  # noqa: PLC0415 - its library costs a tenth of a second
            read_state,
            write_state,
        )

        path = options.state
        read_state(path, local.state)
        local.after_change = lambda: write_state(path, local.state)
    roots = [_root_key(local, number) for number in options.accounts or _first_account(local)]
    local.after_change()
    served = serve_local_aws(
        local, host=options.host, port=options.port, allow_beyond_loopback=options.allow_beyond_loopback
    )
    lines = (f"local AWS: {served.address} (mode {local.mode})", f"export AWS_ENDPOINT_URL={served.address}")
    return Running(local, served.address, (*lines, *map(_root_line, roots)), served.stop)


def _first_account(local: LocalAws) -> tuple[str, ...]:
    return tuple(local.state.accounts) or (FIRST_ACCOUNT,)


def _root_key(local: LocalAws, number: str) -> AccessKey:
    try:
        account = local.account(number)
    except Refused as refused:
        raise ConfigurationInvalid(refused.message) from None
    own = [key for key in local.state.access_keys.values() if key.account_id == number and not key.user]
    return own[0] if own else provisioning.put_access_key(local.state, account)


def _root_line(key: AccessKey) -> str:
    return f"account {key.account_id}, root: AWS_ACCESS_KEY_ID={key.id} AWS_SECRET_ACCESS_KEY={key.secret}"


def issuer_table(pairs: tuple[str, ...]) -> dict[str, str]:
    """The table of issuers from `https://name=http://127.0.0.1:port` texts; ConfigurationInvalid for any other."""
    table = {}
    for pair in pairs:
        issuer, _, address = pair.rpartition("=")
        if not issuer.startswith("https://") or not address.startswith("http://") or not is_loopback(address):
            raise ConfigurationInvalid(f"{pair!r}: write https://NAME=http://127.0.0.1:PORT")
        table[issuer] = address
    return table


def thumbprint_table(pairs: tuple[str, ...]) -> dict[str, str]:
    """The table of thumbprints from `https://name=40 hex digits` texts; ConfigurationInvalid for any other."""
    table = {}
    for pair in pairs:
        issuer, _, thumbprint = pair.rpartition("=")
        if not issuer.startswith("https://") or not provisioning.THUMBPRINT.fullmatch(thumbprint):
            raise ConfigurationInvalid(f"{pair!r}: write https://NAME= and the certificate's SHA-1 in 40 hex digits")
        table[issuer] = thumbprint
    return table
