"""Section `audit`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from federation_bridge.settings.values import Duration, Section


class Audit(Section):
    """Where audit events go besides the database, and how much is kept of refusals that belong to nobody."""

    also_to: Literal["nowhere", "stdout"] | Path = "stdout"
    """Where audit events go after the database has them: `stdout`, `nowhere`, or a file."""
    refusals_kept: int = Field(default=100_000, ge=1_000, le=100_000_000)
    """How many refusals that belong to nobody are kept whole, up to 4 kB each; then the oldest are removed."""
    refusals_age: Duration = timedelta(days=7)
    """How long such a refusal is kept at the most."""
    sign_in_values: Literal["names", "hashed", "all"] = "names"
    """What is kept of an identity provider's answer beside its issuer, audience and times: the `names` of attributes
    and claims, or also subject and values, `hashed` or as they are (`all`, but for what looks like a secret)."""
    keep: Annotated[Duration, Field(ge=timedelta(days=1))] | None = None
    """How long entries stay in the database; older ones are written to files and then deleted. If left out: for
    good."""
    archive: Path | None = None
    """The folder of these files, one that every node reaches. If left out: `audit-archive` in the data folder."""
