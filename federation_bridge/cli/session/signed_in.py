"""Who is signed in and until when, noted beside the session: to show it, and for nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from federation_bridge.cli.context import Context
from federation_bridge.cli.failures import CommandFailed
from federation_bridge.cli.files import read_private, write_private
from federation_bridge.model import JsonObject

NOTE = "signed-in.json"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person's name and the end of the session; empty where nobody noted it."""

    name: str = ""
    ends_at: datetime | None = None


def note(context: Context, me: JsonObject) -> None:
    """Notes what the bridge says of the session."""
    about = {"name": str(me.get("name", "")), "ends_at": str(me.get("ends_at", ""))}
    write_private(context.folder / NOTE, json.dumps(about).encode())


def noted(context: Context) -> SignedIn:
    """What was noted; nothing of it where it is missing, damaged or not this person's alone."""
    try:
        found = json.loads(read_private(context.folder / NOTE) or b"{}")
        name, ends_at = str(found["name"])[:80], datetime.fromisoformat(str(found["ends_at"]))
        return SignedIn(name, ends_at.astimezone(UTC))
    except (CommandFailed, ValueError, KeyError, TypeError, OverflowError):
        return SignedIn()
