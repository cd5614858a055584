"""Section `keys`."""

from __future__ import annotations

from federation_bridge.settings.secret import Secret
from federation_bridge.settings.values import Section


class Keys(Section):
    """Our private keys lie sealed in the database; this is the key that seals them."""

    sealing_key: Secret | None = None
    """32 bytes, base64. If left out: a file of mode 0600 in the data folder, made at the first start (one machine
    only)."""
