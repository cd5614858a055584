"""Ports at which nobody answers, for servers that are told where to listen."""

from __future__ import annotations

import random
import socket

# Below those that the system gives to whoever asks for any: another test's server would get it before ours listens.
_FIRST, _LAST = 10_000, 32_000
_chance = random.SystemRandom()


def free_port() -> int:
    """A port of this machine at which nobody answers, and which nobody is given by chance."""
    while True:
        port = _chance.randint(_FIRST, _LAST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
