"""What stands on the store alone: our keys, and the verb that ends.

Apart from `app`, which joins all parts: most commands of an operator need no more than this, and start in half of
the time without pages, connectors and AWS.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from urllib.parse import urlsplit

from federation_bridge.aws_endings.asking import EndingsInAws
from federation_bridge.ending import AwsEndings, Endings
from federation_bridge.model import Clock
from federation_bridge.notices import SealedKeysAndNotices
from federation_bridge.settings import Settings
from federation_bridge.signing import KeyRing
from federation_bridge.store import Store
from federation_bridge.system_clock import utc_now

_LONGEST_ANSWER = timedelta(minutes=4)


def key_ring(settings: Settings, sealing_key: bytes, store: Store, clock: Clock = utc_now) -> KeyRing:
    """The keys in this store, made as they are asked for; where the store only reads, none is made."""
    kept = SealedKeysAndNotices(store.sealed_keys, clock)
    host = urlsplit(settings.base_url).hostname or "bridge"
    return KeyRing(sealing_key, kept, clock, host, may_make=not store.reads_only)


def endings_of(store: Store, clock: Clock, aws: AwsEndings | None = None) -> Endings:
    """The verb that ends, over this store; without `aws` as a command ends, which knows no register."""
    return Endings(store, clock, aws or EndingsInAws(store, dict, _LONGEST_ANSWER, clock, secrets.token_bytes))
