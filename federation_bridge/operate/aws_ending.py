"""`aws end` and `aws endings` for a terminal."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from federation_bridge import system_clock
from federation_bridge.administration import aws_sessions
from federation_bridge.administration.aws_sessions import Whose
from federation_bridge.aws.sts import answer_time
from federation_bridge.aws_endings.asking import EndingsInAws
from federation_bridge.errors import BridgeError
from federation_bridge.keys_and_endings import endings_of
from federation_bridge.model import Account, Cause
from federation_bridge.operate.opening import looking_at, store_looked_at, store_of
from federation_bridge.settings import Settings, load_settings


def ended(path: Path, whose: Whose, reason: str) -> Iterator[str]:
    """Asks AWS for the end, and says what will end. A running node sees to it."""
    settings = load_settings(path)
    known, clock = _registered(settings), system_clock.utc_now
    with store_of(settings) as store:
        asking = EndingsInAws(store, lambda: known, answer_time(settings.aws), clock, secrets.token_bytes)
        endings = endings_of(store, clock, asking)
        handed = aws_sessions.end_in_aws(store, endings, clock, whose, Cause("administrator", "operator", reason))
    yield f"{handed.sessions} AWS sessions are ending; `federation-bridge aws endings` shows what becomes of it."
    if handed.told:
        yield f"note: {handed.told}"


def _registered(settings: Settings) -> Mapping[str, Account]:
    """The register; broken rules keep nobody from ending sessions that are alive."""
    try:
        with looking_at(settings) as parts:
            return parts.rulebook.current().register.accounts
    except BridgeError:
        return {}


def lines(path: Path, *, as_json: bool) -> tuple[bool, list[str]]:
    """Whether somebody has to act, and a line for each end."""
    with store_looked_at(load_settings(path)) as store:
        found = tuple(aws_sessions.all_aws_endings(store))
    told = [json.dumps(asdict(one), default=str) for one in found] if as_json else list(aws_sessions.lines_of(found))
    return aws_sessions.waits_for_somebody(found), told or ["No ended AWS session can still be alive."]
