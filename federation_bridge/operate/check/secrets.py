"""The secrets, all of them at once: each is read as the service reads it, and none is repeated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.operate.check.finding import Finding, Kind, refused
from federation_bridge.settings import Secret, Settings, read_settings
from federation_bridge.signing import sealing_key_from

_SEALING_KEY = "keys.sealing_key"


def look(settings: Settings) -> Iterator[Finding]:
    """What is wrong with each secret that the settings name."""
    for name, secret in _secrets_in(settings, ""):
        yield from _read(name, secret)


def of_broken_settings(path: Path) -> Iterator[Finding]:
    """The same for settings that are refused: what reads like a secret's place is tried."""
    try:
        document, _ = read_settings(path)
    except ConfigurationInvalid:
        return
    connections = document.get("connections")
    named = {"database_password": document.get("database_password")}
    named[_SEALING_KEY] = _entry(document.get("keys"), "sealing_key")
    for name, connection in connections.items() if isinstance(connections, dict) else ():
        named[f"connections.{name}.client_secret"] = _entry(connection, "client_secret")
    for name, written in named.items():
        if isinstance(written, dict):
            yield from _tried(name, written, path.resolve().parent)


def _entry(section: Any, name: str) -> Any:
    return section.get(name) if isinstance(section, dict) else None


def _tried(name: str, written: Mapping[str, Any], folder: Path) -> Iterator[Finding]:
    try:
        secret = Secret.model_validate(written)
    except ValidationError:
        return  # told with the settings
    rooted = secret if secret.file is None else secret.model_copy(update={"file": folder / secret.file})
    yield from _read(name, rooted.named(name))


def _read(name: str, secret: Secret) -> Iterator[Finding]:
    try:
        text = secret.read()
    except ConfigurationInvalid as refusal:
        yield from refused(Kind.SECRET, refusal)
        return
    if name == _SEALING_KEY:
        try:
            sealing_key_from(text, name)
        except ConfigurationInvalid as refusal:
            yield from refused(Kind.SECRET, refusal)


def _secrets_in(value: Any, name: str) -> Iterator[tuple[str, Secret]]:
    if isinstance(value, Secret):
        yield name, value
        return
    entries: Any = ()
    if isinstance(value, BaseModel):
        entries = ((one, getattr(value, one)) for one in type(value).model_fields)
    elif isinstance(value, Mapping):
        entries = value.items()
    for one, part in entries:
        yield from _secrets_in(part, f"{name}.{one}".lstrip("."))
