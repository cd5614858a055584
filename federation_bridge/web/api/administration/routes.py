"""All routes of the administration's API: importing their modules makes them."""

from __future__ import annotations

from federation_bridge.web.api.administration import audit, changing_rulebook, people, reading_rulebook
from federation_bridge.web.api.administration.call import api

__all__ = ["api", "audit", "changing_rulebook", "people", "reading_rulebook"]
