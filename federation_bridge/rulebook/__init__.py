"""The rules in force: what the texts say at the moment of each decision.

`source` says where the texts of files come from, `reload` how a process notices that they changed, `following` how it
follows versions in the database, and `versions` which ones there were. `mapping` says what they mean, and knows of none
of this.
"""

from __future__ import annotations

from federation_bridge.rulebook.following import FollowedRulebook
from federation_bridge.rulebook.in_force import RulebookInForce
from federation_bridge.rulebook.parsing import Known
from federation_bridge.rulebook.reload import Rulebook
from federation_bridge.rulebook.source import FilesSource, Source
from federation_bridge.rulebook.versions import Versions

__all__ = ["FilesSource", "FollowedRulebook", "Known", "Rulebook", "RulebookInForce", "Source", "Versions"]
