"""Kinds of values that stand everywhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

Clock = Callable[[], datetime]
"""Gives the present instant, aware, in UTC. Passed in, so that a test can hold it still."""

Randomness = Callable[[int], bytes]
"""Gives that many unpredictable bytes (`secrets.token_bytes` outside tests)."""

Road = Literal["saml", "oidc"]
"""How AWS comes to believe us: an assertion (`AssumeRoleWithSAML`) or a JWT (`AssumeRoleWithWebIdentity`)."""

AgentAccess = Literal["read-only", "full", "none"]
"""What a rule lets people hand to agents: programs that act for them, and may be led astray by what they read."""

JsonObject = dict[str, Any]
