"""What opens our API with a token, and how it answers."""

from __future__ import annotations

from oauth_factories import Program

ME = "/api/v1/me"


def status(program: Program, token: str) -> int:
    found: int = program.call("GET", ME, token).status_code
    return found
