"""The rules in force: what the files say at the moment of each decision, and never worse than the last good ones."""

from __future__ import annotations

from federation_bridge.rulebook.reload import LOADED, NOT_KEPT, REJECTED, Known, Rulebook

__all__ = ["LOADED", "NOT_KEPT", "REJECTED", "Known", "Rulebook"]
