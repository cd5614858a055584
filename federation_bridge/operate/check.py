"""`federation-bridge check`: reads all that an operator can get wrong, and says in plain words how to mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from federation_bridge import first_start
from federation_bridge.administration import people
from federation_bridge.bridge import Parts
from federation_bridge.connectors.oidc.connector import OidcConnector
from federation_bridge.errors import BridgeError, ConnectionMisconfigured
from federation_bridge.mapping.findings import FindingKind
from federation_bridge.mapping.findings import findings as findings_of
from federation_bridge.operate.opening import looking_at
from federation_bridge.settings import OidcConnection, Settings, load_settings
from federation_bridge.signing import Purpose
from federation_bridge.store import sqlite_path
from federation_bridge.upkeep import ending_of, purposes_with_certificates


class Kind(StrEnum):
    """How bad a finding is."""

    GOOD = "ok"
    NOTE = "note"
    """Nothing is wrong here, and something has to be done elsewhere, which nobody can look at from here."""
    DOUBTFUL = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at, in a sentence."""

    kind: Kind
    sentence: str


_OUR_KEY = (
    "signs in with a key of ours (private_key_jwt), whose public part the provider has to know: `federation-bridge keys"
    " show` prints it under `client-assertion`, as a JWK and as a certificate"
)

_NOTED = frozenset({FindingKind.UNKNOWN_GROUP, FindingKind.GIVES_NOTHING})
"""Odd only where those who were seen are all there are."""


_FILES_OF_MANY_NODES = (
    "the rules lie in files and the database is PostgreSQL: several nodes would each decide by files of their own; "
    "`database` makes every node follow one version"
)


def findings(path: Path) -> list[Finding]:
    """Everything that was looked at: settings, database, keys, register, rules, and every connection."""
    try:
        settings = load_settings(path)
    except BridgeError as refusal:
        return [Finding(Kind.WRONG, refusal.detail)]
    found = [Finding(Kind.GOOD, f"settings: {path}"), *_settings(settings)]
    try:
        with looking_at(settings) as parts:
            database = _no_database_yet if first_start.is_ahead(settings) else _database
            for step in (database, _keys, _rules, _connections):
                found.extend(_guarded(step, parts))
    except BridgeError as refusal:
        found.append(Finding(Kind.WRONG, refusal.detail))
    return found


def _guarded(step: Callable[[Parts], Iterator[Finding]], parts: Parts) -> Iterator[Finding]:
    try:
        yield from step(parts)
    except BridgeError as refusal:
        yield Finding(Kind.WRONG, refusal.detail)


def _settings(settings: Settings) -> Iterator[Finding]:
    if settings.base_url.startswith("http://"):
        yield Finding(Kind.DOUBTFUL, "base_url: plain http works on this machine only; people need https")
    if settings.aws.local_endpoint:
        yield Finding(Kind.DOUBTFUL, "aws.local_endpoint: a local AWS answers, not the real one")
    if settings.rulebook.source == "files" and sqlite_path(settings.database_url) is None:
        yield Finding(Kind.DOUBTFUL, f"rulebook.source: {_FILES_OF_MANY_NODES}")
    for name, connection in settings.connections.items():
        if isinstance(connection, OidcConnection) and connection.preset == "entra" and not connection.tenants:
            yield Finding(Kind.DOUBTFUL, f"connections.{name}.tenants: name your tenant; no other is let in then")


def _database(parts: Parts) -> Iterator[Finding]:
    if (problem := parts.store.problem()) is not None:
        yield Finding(Kind.WRONG, f"database: {problem}")
    else:
        yield Finding(Kind.GOOD, "database: answers, may be written, and its schema is right")


def _no_database_yet(_: Parts) -> Iterator[Finding]:
    yield Finding(Kind.GOOD, "database: none is there yet; `federation-bridge migrate` or the first start makes it")


def _keys(parts: Parts) -> Iterator[Finding]:
    for purpose in Purpose:
        made = parts.keys.made(purpose)
        told = f"{made[0].kid}, made {made[0].created_at:%Y-%m-%d}" if made else "none is there yet"
        yield Finding(Kind.GOOD, f"key {purpose.value}: {told}")
    for purpose in purposes_with_certificates(parts.settings):
        now, ends = parts.clock(), map(ending_of, parts.keys.made(purpose))
        yield from (Finding(Kind.DOUBTFUL, one.sentence(now)) for one in ends if one.threshold(now) is not None)


def _rules(parts: Parts) -> Iterator[Finding]:
    rules = parts.rulebook.in_force
    if parts.rulebook.problem:
        yield Finding(Kind.WRONG, f"{parts.rulebook.problem} (the last good rules are in force)")
    yield Finding(Kind.GOOD, f"rules: version {rules.version[:12]}")
    for sentence in rules.cautions():
        yield Finding(Kind.DOUBTFUL, f"rules: {sentence}")
    seen = people.identities_seen(parts.store, parts.clock, parts.settings.sessions.people_kept)
    for one in findings_of(rules, seen, parts.clock()):
        yield Finding(Kind.NOTE if one.kind in _NOTED else Kind.DOUBTFUL, f"line {one.line}: {one.sentence}")
    for rule, roles in rules.reachable().items():
        if roles:
            yield Finding(Kind.GOOD, f"rule {rule} can reach: {', '.join(sorted(roles))}")
        else:
            yield Finding(Kind.DOUBTFUL, f"rule {rule} can reach no registered role")


def _connections(parts: Parts) -> Iterator[Finding]:
    for name, connector in parts.connectors.items():
        look = getattr(connector, "check", None)
        sentences = look() if look is not None else ()
        obstacle = getattr(connector, "obstacle", lambda: None)()
        if isinstance(obstacle, ConnectionMisconfigured):
            yield Finding(Kind.WRONG, f"connection {name}: nobody can sign in: {obstacle.detail}")
            sentences = tuple(one for one in sentences if obstacle.detail not in one)
        if isinstance(connector, OidcConnector) and connector.needs_our_key:
            yield Finding(Kind.NOTE, f"connection {name}: {_OUR_KEY}")
        for sentence in sentences:
            yield Finding(Kind.DOUBTFUL, f"connection {name}: {sentence.removeprefix(f'connection {name}: ')}")
        if not sentences and obstacle is None:
            yield Finding(Kind.GOOD, f"connection {name}: {connector.title}")
