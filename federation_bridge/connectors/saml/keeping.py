"""Keeps the metadata in force over restarts and for all nodes, with what is told of it: both or neither.

Good metadata is in force even while it cannot be kept: refusing it would keep a withdrawn key believed. What the
database did not take is tried again before each use, so that nobody is let in by a key that no audit entry names.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from federation_bridge.connectors.changes import DocumentNotKept
from federation_bridge.errors import BridgeError
from federation_bridge.model import KeptDocuments, Notice

_log = structlog.get_logger(__name__)


class Keeping:
    """What of one process's metadata is not kept yet. Shared between threads."""

    def __init__(self, kept: KeptDocuments, kind: str, connection: str, notice: Callable[[Notice], None]) -> None:
        self._kept, self._kind, self._connection, self._notice = kept, kind, connection, notice
        self._lock = threading.Lock()
        self._due: tuple[str, tuple[Notice, ...]] | None = None
        self._is_told = False

    @property
    def is_behind(self) -> bool:
        """Whether something is in force that is not kept."""
        return self._due is not None

    def keep(self, document: str, *notices: Notice) -> None:
        """Keeps this document, and tells these with it; what an earlier one left untold is told with it, too."""
        with self._lock:
            untold = self._due[1] if self._due is not None else ()
            self._due = document, (*untold, *notices)
            self._try()

    def catch_up(self) -> None:
        """Tries what is not kept yet; cheap where nothing is. Raises nothing that a database can bring about."""
        if self.is_behind:
            with self._lock:
                self._try()

    def forget(self) -> None:
        """Another document is in force by another's word: nothing of ours is to be kept any more."""
        with self._lock:
            self._due, self._is_told = None, False

    def _try(self) -> None:
        if self._due is None:
            return
        document, notices = self._due
        try:
            self._kept.keep(self._kind, self._connection, document, *notices)
        except BridgeError as refusal:
            self._tell(refusal.detail)
        else:
            self._due, self._is_told = None, False

    def _tell(self, problem: str) -> None:
        if self._is_told:
            return
        self._is_told = True
        try:
            self._notice(DocumentNotKept(self._connection, f"could not be kept: {problem}"))
        except BridgeError as refusal:
            _log.warning("metadata in force is not kept", connection=self._connection, detail=refusal.detail)
