"""What the settings say about the machine and about each other: the port, the settings' own file, doubtful choices."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.oauth.places import places_from
from federation_bridge.operate.check import own_places
from federation_bridge.operate.check.files import writable_by_others
from federation_bridge.operate.check.finding import Finding, Kind, Location, Severity, refused
from federation_bridge.operate.port_words import port_words
from federation_bridge.settings import OidcConnection, Settings
from federation_bridge.store import sqlite_path
from federation_bridge.web.branding import read_branding

_FILES_OF_MANY_NODES = (
    "the rules lie in files and the database is PostgreSQL: several nodes would each decide by files of their own; "
    "`database` makes every node follow one version"
)


def look(path: Path, settings: Settings) -> Iterator[Finding]:
    """What is doubtful in settings that can be read."""
    for sentence in _doubts(settings):
        yield Finding(Kind.SETTINGS, Severity.DOUBTFUL, sentence, Location(str(path)))
    yield from writable_by_others(path, "whom we believe")
    for look_at in (lambda: read_branding(settings.portal), lambda: places_from(settings.command_line.geoip)):
        try:
            look_at()
        except ConfigurationInvalid as refusal:
            yield from refused(Kind.SETTINGS, refusal)
    yield from own_places.look(settings)
    if problem := _port_problem(settings.serving.listen):
        yield Finding(Kind.PORT, Severity.DOUBTFUL, f"serving.listen: {problem}", Location(str(path)))


def _doubts(settings: Settings) -> Iterator[str]:
    if settings.base_url.startswith("http://"):
        yield "base_url: plain http works on this machine only; people need https"
    if settings.aws.local_endpoint:
        yield "aws.local_endpoint: a local AWS answers, not the real one"
    if settings.rulebook.source == "files" and sqlite_path(settings.database_url) is None:
        yield f"rulebook.source: {_FILES_OF_MANY_NODES}"
    for name, connection in settings.connections.items():
        if isinstance(connection, OidcConnection) and connection.preset == "entra" and not connection.tenants:
            yield f"connections.{name}.tenants: name your tenant; no other is let in then"


def _port_problem(listen: str) -> str:
    """Why nothing could listen there now, in words; nothing where it could. Only bound, never listened at."""
    host, _, port = listen.rpartition(":")
    asked = host.strip("[]") or None
    try:
        family, _, _, _, address = socket.getaddrinfo(
            asked, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as problem:
        return port_words(problem, listen)
    try:
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as problem:
        return port_words(problem, listen)
    return ""
