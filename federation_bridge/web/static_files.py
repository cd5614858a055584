"""The files that pages are made with: read once at the start, and served under names that tell their content apart.

A name holds the hash of what is in the file. Browsers may therefore keep it for a year, and see a new release at once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response

from federation_bridge.errors import NotFound
from federation_bridge.redaction import quoted
from federation_bridge.web.guards import guarded, public
from federation_bridge.web.observe import public_documents

pages = Blueprint("static_files", __name__)

_FOLDER = Path(__file__).parent / "static"
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_DIGITS = 16
"""Of the hash: 64 bits, more than enough to tell two versions of one file apart."""


@dataclass(frozen=True, slots=True)
class _StaticFile:
    hashed_name: str
    media_type: str
    body: bytes


def _read(path: Path) -> _StaticFile:
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:_DIGITS]
    public_documents.gzipped(body)  # kept from here on: no request waits for it
    return _StaticFile(f"{path.stem}-{digest}{path.suffix}", _MEDIA_TYPES[path.suffix], body)


_BY_NAME = {path.name: _read(path) for path in sorted(_FOLDER.iterdir()) if path.suffix in _MEDIA_TYPES}
_BY_HASHED_NAME = {found.hashed_name: found for found in _BY_NAME.values()}


def address_of(name: str) -> str:
    """The path at which the file of this name is served; KeyError where there is none."""
    return f"/static/{_BY_NAME[name].hashed_name}"


def for_templates() -> dict[str, object]:
    """What every template may use: `static_address`, the one way to name a file."""
    return {"static_address": address_of}


@pages.get("/static/<hashed_name>")
@guarded(public)
def file(hashed_name: str) -> Response:
    """One file; none under its plain name, or under the hash of another content."""
    found = _BY_HASHED_NAME.get(hashed_name)
    if found is None:
        raise NotFound(f"no static file {quoted(hashed_name)}")
    return Response(found.body, mimetype=found.media_type)
