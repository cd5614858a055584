"""Restoration: the database was put back to an older state, and what happened since is not known here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Restoration:
    """One time that the database was put back."""

    number: int
    holds_until: datetime
    """Up to when it tells what happened: when the copy was made, or the newest entry of its audit."""
    restored_at: datetime
    not_before: datetime
    """What was issued, or begun, before it is believed no more: it may have been used."""
