"""What can be looked at once all parts are joined: database, keys, the rulebook in force, connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from federation_bridge import first_start
from federation_bridge.administration import people, restoring
from federation_bridge.administration.last_seal import LastSeal
from federation_bridge.administration.rule_use import rule_uses
from federation_bridge.bridge import Parts
from federation_bridge.connectors.connector import Connector
from federation_bridge.connectors.oidc.connector import OidcConnector
from federation_bridge.errors import (
    BridgeError,
    ConfigurationInvalid,
    ConnectionMisconfigured,
    DatabaseFailure,
    Unavailable,
)
from federation_bridge.mapping.findings import FindingKind
from federation_bridge.mapping.findings import findings as findings_of
from federation_bridge.operate.check import scim_clients, sign_in_lengths
from federation_bridge.operate.check.finding import Finding, Kind, Location, Severity, refused
from federation_bridge.operate.opening import store_looked_at, told_with_place
from federation_bridge.rulebook.rule_files import is_one_file, rule_files
from federation_bridge.settings import Settings
from federation_bridge.signing import Purpose
from federation_bridge.store import server_of
from federation_bridge.upkeep import ending_of, purposes_with_certificates

_OUR_KEY = (
    "signs in with a key of ours (private_key_jwt), whose public part the provider has to know: `federation-bridge keys"
    " show` prints it under `client-assertion`, as a JWK and as a certificate"
)

_NOTED = frozenset({FindingKind.UNKNOWN_GROUP, FindingKind.GIVES_NOTHING, FindingKind.UNUSED})
"""Odd only where those who were seen, and what they used, are all there is."""

_Found = Iterator[Finding]


def look(parts: Parts, *, is_first_start: bool) -> _Found:
    """Database, keys, rulebook in force, and every connection. What fails in one step hides nothing of the others."""
    database = _no_database_yet if is_first_start else _database
    for kind, step in (
        (Kind.DATABASE, database),
        (Kind.KEY, _keys),
        (Kind.RULEBOOK, _rules),
        (Kind.CONNECTION, _connections),
        (Kind.CONNECTION, lambda parts: scim_clients.findings(parts.store, parts.settings, parts.clock)),
        (Kind.CONNECTION, lambda parts: sign_in_lengths.findings(parts.settings, parts.rulebook.in_force.register)),
    ):
        yield from _guarded(kind, step, parts)


def database_alone(settings: Settings) -> _Found:
    """The database, where the other parts do not come together."""
    if first_start.is_ahead(settings):
        return
    try:
        with store_looked_at(settings) as store:
            if (problem := store.problem()) is not None:
                yield Finding(Kind.DATABASE, Severity.WRONG, _placed(settings, problem))
    except BridgeError as refusal:
        yield from refused(Kind.DATABASE, refusal)


def kind_of(settings: Settings, refusal: BridgeError) -> Kind:
    """What a refusal of the parts is about: the database, where the store does not open alone; it is opened first."""
    if isinstance(refusal, Unavailable):
        return Kind.DATABASE
    if first_start.is_ahead(settings):
        return Kind.SETTINGS
    try:
        with store_looked_at(settings, is_checked=False):
            return Kind.SETTINGS
    except BridgeError:
        return Kind.DATABASE


def _guarded(kind: Kind, step: Callable[[Parts], _Found], parts: Parts) -> _Found:
    try:
        yield from step(parts)
    except BridgeError as refusal:
        if isinstance(refusal.detail, DatabaseFailure):
            yield Finding(Kind.DATABASE, Severity.WRONG, _placed(parts.settings, refusal.detail))
        else:
            yield from refused(kind, refusal)


def _placed(settings: Settings, problem: str) -> str:
    """With the host, the port and the name of a database that is reached over a network, or its file."""
    if (told := told_with_place(settings, problem)) != problem:
        return told
    server = server_of(settings.database_url)
    return f"database: {server}: {problem}" if server else f"database: {problem}"


def _database(parts: Parts) -> _Found:
    problem = parts.store.problem() or LastSeal.of(parts.settings, parts.clock).problem(parts.store)
    if problem is not None:
        yield Finding(Kind.DATABASE, Severity.WRONG, _placed(parts.settings, problem))
    else:
        yield Finding(Kind.DATABASE, Severity.GOOD, "database: answers, may be written, and its schema is right")
        if (restoration := restoring.waiting(parts.store)) is not None:
            at = f"{restoration.restored_at:%Y-%m-%d %H:%M} UTC"
            told = (
                f"database: it was restored at {at}, and nobody can sign in yet: run `federation-bridge restore --show`"
            )
            yield Finding(Kind.DATABASE, Severity.WRONG, told)


def _no_database_yet(_: Parts) -> _Found:
    yield Finding(
        Kind.DATABASE,
        Severity.GOOD,
        "database: none is there yet; `federation-bridge migrate` or the first start makes it",
    )


def _keys(parts: Parts) -> _Found:
    for purpose in Purpose:
        made = parts.keys.made(purpose)
        told = f"{made[0].kid}, made {made[0].created_at:%Y-%m-%d}" if made else "none is there yet"
        yield Finding(Kind.KEY, Severity.GOOD, f"key {purpose.value}: {told}")
    for purpose in purposes_with_certificates(parts.settings):
        ends = (ending_of(key).told(parts.clock()) for key in parts.keys.made(purpose))
        yield from (Finding(Kind.KEY, Severity.DOUBTFUL, sentence) for sentence in ends if sentence)


def _rules(parts: Parts) -> _Found:
    rules = parts.rulebook.in_force
    if parts.rulebook.problem:
        told = "rules: the files are broken, and the last good rules are in force"
        yield Finding(Kind.RULEBOOK, Severity.DOUBTFUL, told)
    yield Finding(Kind.RULEBOOK, Severity.GOOD, f"rules: version {rules.version[:12]}")
    for sentence in rules.cautions():
        yield Finding(Kind.RULE, Severity.DOUBTFUL, f"rules: {sentence}")
    seen = people.identities_seen(parts.store, parts.clock, parts.settings.sessions.people_kept)
    uses = rule_uses(parts.store, parts.clock(), parts.settings.rulebook.unused_after)
    files = _files_of_rules(parts.settings)
    for one in findings_of(rules, seen, parts.clock(), uses):
        severity = Severity.NOTE if one.kind in _NOTED else Severity.DOUBTFUL
        yield Finding(
            Kind.RULE, severity, f"{one.where}: {one.sentence}", Location(files.get(one.document, ""), one.line)
        )
    for rule, roles in rules.reachable().items():
        if roles:
            yield Finding(Kind.RULE, Severity.GOOD, f"rule {rule} can reach: {', '.join(sorted(roles))}")
        else:
            yield Finding(Kind.RULE, Severity.DOUBTFUL, f"rule {rule} can reach no registered role")


def _files_of_rules(settings: Settings) -> Mapping[str, str]:
    """The path of each text of the rules by its name; "" is the name of the only one. Nothing where no files are."""
    if settings.rulebook.source != "files":
        return {}
    place, _ = settings.rules_files
    if isinstance(place, Path) and is_one_file(place):
        return {"": str(place)}
    try:
        return {path.name: str(path) for path in rule_files(place)}
    except ConfigurationInvalid:
        return {}  # the last good rules are in force, and what is wrong was told already


def _connections(parts: Parts) -> _Found:
    for name, connector in parts.connectors.items():
        for severity, sentence in _connection(connector):
            told = sentence.removeprefix(f"connection {name}: ")
            yield Finding(Kind.CONNECTION, severity, f"connection {name}: {told}")


def _connection(connector: Connector) -> Iterator[tuple[Severity, str]]:
    look = getattr(connector, "check", None)
    sentences = look() if look is not None else ()
    obstacle = getattr(connector, "obstacle", lambda: None)()
    if isinstance(obstacle, ConnectionMisconfigured):
        yield Severity.WRONG, f"nobody can sign in: {obstacle.detail}"
        sentences = tuple(one for one in sentences if obstacle.detail not in one)
    if isinstance(connector, OidcConnector) and connector.needs_our_key:
        yield Severity.NOTE, _OUR_KEY
    for sentence in sentences:
        yield Severity.DOUBTFUL, sentence
    if not sentences and obstacle is None:
        yield Severity.GOOD, connector.title
