"""Numbers by name, in memory that the processes of one service share: no file that could be gone, full or read-only.

Each process writes into a slot of its own and reads all of them. A slot outlives its process: the next one that takes
it goes on from there, so that no counter ever goes back.
"""

from __future__ import annotations

import mmap
import struct
import threading

_SIZE = 256 * 1024
"""Bytes of one slot: about 3,000 names. Memory that is never written costs nothing."""

_USED = struct.Struct("=I")
_NAME = struct.Struct("=I")
_VALUE = struct.Struct("=d")
_FIRST = 8


class SharedCounts:
    """Numbers that only grow. Nothing in here raises or waits for anything but a lock that is held for microseconds.

    A slot is the number of bytes used, then entries: length of the name, the name (blanks fill it up to a multiple of
    8), the value.
    """

    def __init__(self, slots: int) -> None:
        """Makes room for `slots` processes; before they are forked, so that they inherit the memory."""
        self._memory = mmap.mmap(-1, slots * _SIZE)
        self._slots = slots
        self.take(0)

    def take(self, slot: int) -> None:
        """Makes `slot` this process's own, with what an earlier process counted there; called once, after the fork."""
        self._lock = threading.Lock()
        self._begin = slot * _SIZE
        self._places = {name: place for name, place, _ in self._entries(slot)}
        self._values = {name: value for name, _, value in self._entries(slot)}
        self.lost = 0

    def add(self, name: str, amount: float = 1.0) -> None:
        """Adds `amount`; where the slot is full, a new name is not counted, only `lost` is."""
        with self._lock:
            place = self._places.get(name) or self._append(name)
            if place is None:
                self.lost += 1
                return
            value = self._values[name] = self._values[name] + amount
            _VALUE.pack_into(self._memory, place, value)

    def totals(self) -> dict[str, float]:
        """The sums over all processes, those that have ended included."""
        sums: dict[str, float] = {}
        for slot in range(self._slots):
            for name, _, value in self._entries(slot):
                sums[name] = sums.get(name, 0.0) + value
        return sums

    def _append(self, name: str) -> int | None:
        encoded = name.encode("utf-8", "replace")
        encoded += b" " * (-(len(encoded) + _NAME.size) % 8)
        at = self._begin + (_USED.unpack_from(self._memory, self._begin)[0] or _FIRST)
        place = at + _NAME.size + len(encoded)
        if place + _VALUE.size > self._begin + _SIZE:
            return None
        _NAME.pack_into(self._memory, at, len(encoded))
        self._memory[at + _NAME.size : place] = encoded
        _VALUE.pack_into(self._memory, place, 0.0)
        # Last, so that a process that is killed in between leaves nothing half-written.
        _USED.pack_into(self._memory, self._begin, place + _VALUE.size - self._begin)
        self._places[name], self._values[name] = place, 0.0
        return place

    def _entries(self, slot: int) -> list[tuple[str, int, float]]:
        """Name, place and value of each entry of a slot."""
        found = []
        at, end = slot * _SIZE + _FIRST, slot * _SIZE + _USED.unpack_from(self._memory, slot * _SIZE)[0]
        while at < end:
            place = at + _NAME.size + _NAME.unpack_from(self._memory, at)[0]
            name = self._memory[at + _NAME.size : place].decode("utf-8").rstrip(" ")
            found.append((name, place, _VALUE.unpack_from(self._memory, place)[0]))
            at = place + _VALUE.size
        return found
