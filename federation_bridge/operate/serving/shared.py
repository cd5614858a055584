"""What parent and workers tell each other, in memory that the fork shares: no file, no pipe, nothing to wait for."""

from __future__ import annotations

import mmap
import struct
import time

_STOPPING = 0
_FIRST_SLOT = 8
_BEAT = struct.Struct("=d")


class Shared:
    """One flag of the parent's for all, and a heartbeat for each slot."""

    def __init__(self, slots: int) -> None:
        self._memory = mmap.mmap(-1, _FIRST_SLOT + slots * _BEAT.size)

    def tell_all_to_stop(self) -> None:
        """From now on nobody is ready, and every answer ends its connection."""
        self._memory[_STOPPING] = 1

    def is_stopping(self) -> bool:
        """Whether the service has been told to stop."""
        return self._memory[_STOPPING] == 1

    def begin(self, slot: int) -> None:
        """Forgets the worker that had the slot before."""
        _BEAT.pack_into(self._memory, _FIRST_SLOT + slot * _BEAT.size, 0.0)

    def beat(self, slot: int) -> None:
        """Says that the worker in this slot serves and its loop turns."""
        _BEAT.pack_into(self._memory, _FIRST_SLOT + slot * _BEAT.size, time.monotonic())

    def last_beat(self, slot: int) -> float:
        """When it last said so, by `time.monotonic`; 0.0 before it serves."""
        return float(_BEAT.unpack_from(self._memory, _FIRST_SLOT + slot * _BEAT.size)[0])
