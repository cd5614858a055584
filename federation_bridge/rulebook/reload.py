"""The rules in force: what the files say at the moment of each decision, and never worse than the last good ones.

A file that is broken is told of, with line and reason, and changes nothing. The rules and the register are kept as one
document, so that after a restart the one never meets a version of the other that it was not written for.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from federation_bridge.errors import BridgeError, ConfigurationInvalid, Unavailable
from federation_bridge.mapping import RuleSet, load_register, load_rules
from federation_bridge.model import KeptDocuments
from federation_bridge.watched_file import Signature, is_settled, signature_of

_log = structlog.get_logger(__name__)

LOADED = "rules.loaded"
REJECTED = "rules.rejected"
NOT_KEPT = "rules.not_kept"
_KIND, _NAME = "rules", "rulebook"
_MAX_BYTES = 8_000_000
_LONGEST_WAIT = 30.0
"""Seconds that a decision waits for another thread to read changed files, before it is refused."""
_READS = 5
"""So often are files read again that change while they are read."""
_MOST_UNTOLD = 20
_Loaded = TypeVar("_Loaded")
_Signature = tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class _Texts:
    rules: str
    accounts: str

    def to_kept(self) -> str:
        return json.dumps({"rules": self.rules, "accounts": self.accounts})

    @classmethod
    def from_kept(cls, kept: str) -> _Texts:
        try:
            document = json.loads(kept)
            return cls(str(document["rules"]), str(document["accounts"]))
        except (ValueError, KeyError, TypeError):
            raise ConfigurationInvalid("the rules kept last cannot be read") from None


@dataclass(frozen=True, slots=True)
class _State:
    """The rules in force, and the files as they were when that was found out: replaced as one, so never half new."""

    rules: RuleSet
    signature: _Signature | None
    """How the files looked; None where they could not be read, so that the next look tries again."""
    texts: _Texts | None = None
    """What the files said."""
    is_settled: bool = True
    """False where the files were so young that another change could hide behind the same signature."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the settings say and the files must fit: names of connections, and our issuer on the OIDC road."""

    connections: frozenset[str]
    issuer: str = ""
    """"": a register is only looked at, and any issuer's providers will do."""


class Rulebook:
    """Gives the rules in force; safe to share between threads.

    `notice` is called with an event (`rules.loaded`, `rules.rejected`, `rules.not_kept`) and a detail, once for each
    change of the files. The constructor raises ConfigurationInvalid where the files are broken and nothing good was
    ever kept.
    """

    def __init__(
        self,
        rules_path: Path,
        accounts_path: Path,
        known: Known,
        kept: KeptDocuments,
        notice: Callable[[str, str], None],
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`wall` gives the seconds since 1970 by the clock that stamps the files."""
        self._paths = (rules_path, accounts_path)
        self._connections = known.connections
        self._kept = kept
        self._notice = notice
        self._issuer = known.issuer
        self._wall = wall
        self._looking = threading.Lock()
        self._keeping = threading.Lock()
        self._problem: str | None = None
        self._not_kept: tuple[_Texts, RuleSet] | None = None
        self._told_not_kept = False
        self._untold: deque[tuple[str, str]] = deque(maxlen=_MOST_UNTOLD)
        self._state = self._begun()
        self._keep_and_tell()

    @property
    def problem(self) -> str | None:
        """What is wrong with the files as they are now, or None while they are the rules in force."""
        return self._problem

    @property
    def in_force(self) -> RuleSet:
        """The rules that were read last, without a look at the files: for whatever decides nothing."""
        return self._state.rules

    def current(self) -> RuleSet:
        """The rules for a decision that is made now: never older than the files were when this was called.

        Whoever finds the files changed reads them; who asks meanwhile waits. Raises Unavailable where that takes longer
        than half a minute: a decision on old rules could give what was taken away.
        """
        state = self._state
        if not state.is_settled or self._sign() != state.signature:
            self._look()
        return self._state.rules

    def watch(self) -> None:
        """Looks at the files, and keeps and tells what is not kept or told yet; to be called beside the requests."""
        self.current()
        if self._not_kept is not None or self._untold:
            self._keep_and_tell()

    def _look(self) -> None:
        if not self._looking.acquire(timeout=_LONGEST_WAIT):
            raise Unavailable("the changed rules are still being read")
        try:
            before = self._state
            if before.is_settled and self._sign() == before.signature:
                return  # another thread has read them while this one waited
            self._state = self._after_look(before)
        finally:
            self._looking.release()
        if self._not_kept is not None or self._untold:
            self._keep_and_tell()

    def _after_look(self, before: _State) -> _State:
        try:
            signature, texts = self._read()
        except ConfigurationInvalid as mistake:
            self._reject(mistake, "the last good rules stay in force")
            return _State(before.rules, None, is_settled=False)
        is_settled = self._is_settled(signature)
        if texts == before.texts:
            return _State(before.rules, signature, texts, is_settled)
        try:
            rules = self._load(texts)
        except ConfigurationInvalid as mistake:
            self._reject(mistake, "the last good rules stay in force")
            return _State(before.rules, signature, texts, is_settled)
        self._problem = None
        # Files put back to what is in force are no event.
        if rules.version == before.rules.version:
            return _State(before.rules, signature, texts, is_settled)
        self._not_kept = texts, rules
        return _State(rules, signature, texts, is_settled)

    def _reject(self, mistake: ConfigurationInvalid, consequence: str) -> None:
        if self._problem != mistake.detail:
            self._problem = mistake.detail
            self._untold.append((REJECTED, f"{mistake.detail} ({consequence})"))

    def _begun(self) -> _State:
        try:
            signature, texts = self._read()
            rules = self._load(texts)
        except ConfigurationInvalid as mistake:
            return _State(self._last_good(mistake), None, is_settled=False)
        self._not_kept = texts, rules
        return _State(rules, signature, texts, self._is_settled(signature))

    def _last_good(self, mistake: ConfigurationInvalid) -> RuleSet:
        kept = self._kept.last_good(_KIND, _NAME)
        if kept is None:
            raise mistake
        texts = _Texts.from_kept(kept)
        try:
            register = load_register(texts.accounts, self._issuer)
            rules = load_rules(texts.rules, register, self._connections)
        except ConfigurationInvalid as other:
            detail = f"{mistake.detail}; nor do the rules kept last fit any more: {other.detail}"
            raise ConfigurationInvalid(detail) from None
        self._reject(mistake, "the rules kept last are in force")
        return rules

    def _keep_and_tell(self) -> None:
        """Keeps what is in force, and tells what happened; what the database does not take waits for the watcher.

        Good rules are in force even while they cannot be kept: refusing them would keep a leaver's access alive. This
        is outside the readers' lock: no decision waits here for the database but the one that read the files.
        """
        with self._keeping:
            try:
                self._keep()
            except BridgeError as problem:
                self._not_kept_because(problem.detail)
            try:
                while self._untold:
                    self._notice(*self._untold[0])
                    self._untold.popleft()
            except BridgeError as problem:
                _log.warning("a change of the rules is not audited yet", detail=problem.detail)

    def _keep(self) -> None:
        """New rules are told of by the one process that keeps them, not by every worker and node that reads them."""
        while (keeping := self._not_kept) is not None:
            texts, rules = keeping
            document = texts.to_kept()
            if self._kept.last_good(_KIND, _NAME) != document:
                self._kept.keep(_KIND, _NAME, document)
                self._untold.append((LOADED, f"version {rules.version}, {len(rules.rules)} rules"))
            self._forget_kept(keeping)
            self._told_not_kept = False

    def _forget_kept(self, kept: tuple[_Texts, RuleSet]) -> None:
        # Newer ones may have come while these were written: they are still to be kept.
        with self._looking:
            if self._not_kept is kept:
                self._not_kept = None

    def _not_kept_because(self, problem: str) -> None:
        if not self._told_not_kept:
            self._told_not_kept = True
            detail = f"{problem} (they are in force, and will be kept when that is possible)"
            self._untold.append((NOT_KEPT, detail))

    def _load(self, texts: _Texts) -> RuleSet:
        rules_path, accounts_path = self._paths
        register = _named(accounts_path, lambda: load_register(texts.accounts, self._issuer))
        return _named(rules_path, lambda: load_rules(texts.rules, register, self._connections))

    def _read(self) -> tuple[_Signature, _Texts]:
        """Both files as one set, and how they looked: read again where one of them was changed meanwhile."""
        for _ in range(_READS):
            signature = self._sign()
            rules, accounts = (_text_of(path) for path in self._paths)
            if self._sign() == signature:
                return signature, _Texts(rules, accounts)
        raise ConfigurationInvalid(f"{self._paths[0]}: the files change while they are read")

    def _sign(self) -> _Signature:
        return tuple(signature_of(path) for path in self._paths)

    def _is_settled(self, signature: _Signature) -> bool:
        return all(is_settled(one, self._wall()) for one in signature)


def _named(path: Path, load: Callable[[], _Loaded]) -> _Loaded:
    try:
        return load()
    except ConfigurationInvalid as mistake:
        raise ConfigurationInvalid(f"{path}: {mistake.detail}") from None


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise ConfigurationInvalid(f"{path}: has more than {_MAX_BYTES} bytes")
        return content.decode("utf-8-sig")
    except OSError as problem:
        raise ConfigurationInvalid(f"{path}: cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise ConfigurationInvalid(f"{path}: line {line}: is not UTF-8") from None
