"""The rules in force: what the texts say at the moment of each decision, and never worse than the last good ones.

`source` says where the texts come from, `versions` which ones were in force last, `reload` how a process notices that
they changed. `mapping` says what they mean, and knows of none of this.
"""

from __future__ import annotations

from federation_bridge.rulebook.parsing import Known
from federation_bridge.rulebook.reload import Rulebook
from federation_bridge.rulebook.source import FilesSource, Source
from federation_bridge.rulebook.versions import Versions

__all__ = ["FilesSource", "Known", "Rulebook", "Source", "Versions"]
