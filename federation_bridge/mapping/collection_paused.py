"""A pause of Python's cyclic garbage collector, where very many objects are made that hold no cycles.

The collector walks all that lives again and again while they are made: with 100,000 rules that is half of the time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """No cycles are looked for within; afterwards they are again, unless they were not before.

    It holds for the whole process. Pauses of several threads may overlap: one may then end early, and none stays.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
