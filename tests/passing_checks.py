"""For connectors of tests that answer without a message: every check of the protocol passes."""

from __future__ import annotations

from federation_bridge.sign_in_checks import CHECKS, check


def pass_all(protocol: str = "oidc") -> None:
    """Notes that each check which a connector makes has passed."""
    for one in CHECKS[protocol]:
        if one.is_always:
            with check(one.name):
                pass
