"""What is said to a program of the identity provider, where the sentence for people would tell it to sign in again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from federation_bridge.errors import ProviderUnreachable, SenderUnproven


@contextmanager
def sent_by_a_program() -> Iterator[None]:
    """Says of keys that could not be fetched that the message may be sent again."""
    try:
        yield
    except ProviderUnreachable as failure:
        told = SenderUnproven(failure.detail)
        told.is_recorded = failure.is_recorded
        raise told from failure
