"""Every kind of event that is audited, by the arrow at which it happens.

An event carries what an operator needs to join it with the identity provider's log and with CloudTrail, and no secret.
`docs/audit.md` has a row for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was decided or happened. `name` is what the log calls it."""

    name: ClassVar[str]
