"""While a browser is started: it gets no hold of our output."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def output_kept() -> Iterator[None]:
    """What is started within the block has our stderr as its stdout.

    Browsers and xdg-open write there ("Opening in existing browser session."): a shell would evaluate it as a result of
    ours, and an AWS tool would read it as credentials.
    """
    kept = -1
    with suppress(OSError):
        kept = os.dup(1)
        os.dup2(2, 1)
    try:
        yield
    finally:
        if kept >= 0:
            os.dup2(kept, 1)
            os.close(kept)
