"""How many files and sockets a process may hold open, looked at before anything depends on it."""

from __future__ import annotations

import resource

import structlog

from federation_bridge.errors import ConfigurationInvalid
from federation_bridge.settings import Serving

_log = structlog.get_logger(__name__)

_OTHERS = 128
"""What a worker opens besides its clients: files, databases, AWS, providers."""

_FEW = 64
"""Connections with which nobody can serve."""


def connections_for(serving: Serving) -> int:
    """How many clients one worker may hold: the setting, or what the system's limit on open files leaves of it.

    Raises the soft limit as far as the system lets us.

    Raises:
        ConfigurationInvalid: hardly any would be left.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = serving.connections + _OTHERS + 4 * serving.threads
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    left = soft - _OTHERS - 4 * serving.threads
    if left < _FEW:
        raise ConfigurationInvalid(
            f"a process may hold {soft} files and sockets open here, which leaves no room for clients: raise the limit "
            f"(`LimitNOFILE=` of a service unit, `ulimit -n` of a shell) to {needed}"
        )
    if left < serving.connections:
        _log.warning(
            "fewer connections than serving.connections: raise the limit on open files (LimitNOFILE, ulimit -n)",
            connections=left,
            asked_for=serving.connections,
            limit_needed=needed,
        )
    return min(left, serving.connections)
