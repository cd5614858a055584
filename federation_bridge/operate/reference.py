"""`federation-bridge settings`: every setting with its default and what it means, made from the settings themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from federation_bridge.durations import format_duration
from federation_bridge.settings import OidcConnection, SamlConnection, Secret, Settings


def markdown() -> str:
    """All settings as a Markdown page."""
    sections = [
        ("Settings", "One YAML file; unknown names are refused with the nearest known one.", _rows(Settings, "")),
        ("SAML connections", "Under `connections.NAME`, with `protocol: saml`.", _rows(SamlConnection, "")),
        ("OIDC connections", "Under `connections.NAME`, with `protocol: oidc`.", _rows(OidcConnection, "")),
        ("Secrets", "A secret never stands in the file: it is named by one of these.", _rows(Secret, "")),
    ]
    parts = []
    for level, (title, introduction, rows) in enumerate(sections):
        table = "\n".join(["| setting | default | meaning |", "| --- | --- | --- |", *rows])
        parts.append(f"{'#' if level == 0 else '##'} {title}\n\n{introduction}\n\n{table}\n")
    return "\n".join(parts)


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        part = _part_of(field)
        if part is None or name == "connections" or _is_by_name(field):
            yield f"| `{prefix}{name}` | {_default(field)} | {' '.join((field.description or '').split())} |"
        if part is not None and name != "connections":
            yield from _rows(part, f"{prefix}{name}.NAME." if _is_by_name(field) else f"{prefix}{name}.")


def _is_by_name(field: FieldInfo) -> bool:
    """Whether it holds several parts, each under a name that the operator gives."""
    return get_origin(field.annotation) is dict


def _part_of(field: FieldInfo) -> type[BaseModel] | None:
    candidates = [field.annotation, *get_args(field.annotation)]
    parts = [one for one in candidates if isinstance(one, type) and issubclass(one, BaseModel) and one is not Secret]
    return parts[0] if parts else None


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True)
    if value is PydanticUndefined or value is None:
        return "(needed)" if value is PydanticUndefined else ""
    match value:
        case timedelta():
            text = f"`{format_duration(value)}`"
        case Path():
            text = "the file's folder"
        case tuple():
            text = ", ".join(f"`{one}`" for one in value) or "none"
        case dict():
            text = "; ".join(f"{name}: {', '.join(parts)}" for name, parts in value.items()) or "none"
        case bool():
            text = f"`{str(value).lower()}`"
        case _:
            text = f"`{value}`"
    return text
