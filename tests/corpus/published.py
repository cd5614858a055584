"""The published messages beside the project: where they lie, and one case of them."""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

FOLDER = Path(os.environ.get("CORPUS") or Path(__file__).resolve().parents[3] / "shared" / "corpus")


@dataclass(frozen=True, slots=True)
class Case:
    """One published message with the verdict that it deserves."""

    folder: Path
    told: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.told["id"])

    @property
    def clock(self) -> datetime:
        return datetime.fromisoformat(self.told["clock"])

    def path(self, name: str) -> Path:
        return self.folder / name

    def form_value(self) -> str:
        """The value of the form field, as the manifest says that the file holds it."""
        raw = self.path(self.told["file"]).read_bytes()
        encoding = self.told["encoding"]
        if encoding == "xml":
            return base64.b64encode(raw).decode("ascii")
        text = raw.decode("latin-1")
        return unquote(text) if encoding.startswith("urlbase64") else text

    def document(self) -> bytes:
        """The file's bytes as XML; what was deflated is inflated, with a cap."""
        if self.told["encoding"] == "xml":
            return self.path(self.told["file"]).read_bytes()
        octets = base64.b64decode(self.form_value())
        return zlib.decompressobj(-15).decompress(octets, 1_000_000) if "deflate" in self.told["encoding"] else octets


def cases(kind: str) -> list[Case]:
    """Every case of this kind, in the order of the manifests; none where the folder is absent."""
    return [case for case in _all() if case.told["kind"] == kind]


def _all() -> Iterator[Case]:
    for manifest in sorted(FOLDER.glob("*/manifest.json")):
        for told in json.loads(manifest.read_text(encoding="utf-8"))["cases"]:
            yield Case(manifest.parent, told)
