"""Section `rulebook`."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from federation_bridge.settings.values import Duration, Section


class Rulebook(Section):
    """Where the text of rules and register lies."""

    source: Literal["files", "database"] = "files"
    """`files`: the files that `rules` and `accounts` name, for one machine. `database`: `federation-bridge rules apply`
    puts each version in force, for all nodes at once."""

    files_on_many_nodes: bool = False
    """Allows `source: files` with PostgreSQL, which several nodes may share. Each node then decides by its own
    files: you must bring the same files to all nodes at once."""

    unused_after: Duration = timedelta(days=90)
    """A rule that granted nothing for this long is reported by `check`, on the page of findings and in the API."""

    emergency: bool = False
    """Whether `rules apply --emergency`, or an administrator by the API, may do without the second person that the
    rules ask for. Each use is audited as `rulebook.emergency`."""

    emergency_shown: Duration = timedelta(days=7)
    """How long at most each page for administrators shows a change that was made in this way. It is shown until another
    administrator has dealt with it."""
