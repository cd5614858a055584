"""Why nothing can listen at an address, in words."""

from __future__ import annotations

import errno
import os
import socket


def port_words(problem: OSError, listen: str) -> str:
    """What is wrong with `listen`, and what it may be."""
    if isinstance(problem, socket.gaierror):
        return f"the name {listen.rpartition(':')[0]} is not known"
    if problem.errno == errno.EADDRINUSE:
        return f"{listen} is taken: by the bridge itself if it runs, else by another program (`ss -ltnp` names it)"
    if problem.errno == errno.EADDRNOTAVAIL:
        return f"{listen} is no address of this machine"
    if problem.errno in (errno.EACCES, errno.EPERM):
        return f"this user may not listen at {listen}: a port below 1024 needs a right of its own"
    return f"nothing can listen at {listen}: {os.strerror(problem.errno or 0)}"
