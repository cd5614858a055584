"""Files of tests lie in memory where this machine has room for them: a commit of SQLite waits for no disk then.

Thousands of databases are made, written durably and removed again. On a disk that others use, too, most of the time of
such a test is spent waiting for it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
_LEAST_FREE = 2_000_000_000
"""Bytes. Containers often have 64 MB there, which is too little."""


def use() -> None:
    """To be called once, before pytest makes its folders. What was set stays; programs that start inherit it."""
    if not _has_room():
        return
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))
    os.environ.setdefault("TMPDIR", str(_MEMORY))
    tempfile.tempdir = None


def _has_room() -> bool:
    try:
        # Programs that tests write are started from there, too.
        runs_programs = not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC
        return runs_programs and os.access(_MEMORY, os.W_OK | os.X_OK) and _free() >= _LEAST_FREE
    except OSError:
        return False


def _free() -> int:
    return shutil.disk_usage(_MEMORY).free
