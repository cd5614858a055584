"""The rules in force: read from their files whenever these change, and never worse than the last good ones.

A file that is broken is told of, with line and reason, and changes nothing. The rules and the register are kept as one
document, so that after a restart the one never meets a version of the other that it was not written for.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from federation_bridge.errors import BridgeError, ConfigurationInvalid
from federation_bridge.mapping import RuleSet, load_register, load_rules
from federation_bridge.model import KeptDocuments

LOADED = "rules.loaded"
REJECTED = "rules.rejected"
NOT_KEPT = "rules.not_kept"
_KIND, _NAME = "rules", "rulebook"
_MAX_BYTES = 8_000_000
_LOOK_EVERY = 1.0
_Loaded = TypeVar("_Loaded")
_Signature = tuple[tuple[int, ...], ...]


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
        connections: Collection[str],
        kept: KeptDocuments,
        notice: Callable[[str, str], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._paths = (rules_path, accounts_path)
        self._connections = frozenset(connections)
        self._kept = kept
        self._notice = notice
        self._monotonic = monotonic
        self._looking = threading.Lock()
        self._problem: str | None = None
        self._looked_at = monotonic()
        self._signature = self._sign()
        self._not_kept: _Texts | None = None
        self._rules: RuleSet
        self._begin()

    @property
    def problem(self) -> str | None:
        """What is wrong with the files as they are now, or None while they are the rules in force."""
        return self._problem

    def current(self) -> RuleSet:
        """The rules in force. Looks at the files at most once a second; one thread looks, the others go on."""
        if self._monotonic() - self._looked_at >= _LOOK_EVERY and self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._looking.release()
        return self._rules

    def _look(self) -> None:
        self._looked_at = self._monotonic()
        self._keep()
        signature = self._sign()
        if signature == self._signature:
            return
        self._signature = signature
        try:
            texts = self._read()
            rules = self._load(texts)
        except ConfigurationInvalid as mistake:
            self._problem = mistake.detail
            self._notice(REJECTED, f"{mistake.detail} (the last good rules stay in force)")
            return
        self._problem = None
        # A touched file, or one put back to what is in force, is no event.
        if rules.version != self._rules.version:
            self._take(texts, rules)

    def _begin(self) -> None:
        try:
            texts = self._read()
            rules = self._load(texts)
        except ConfigurationInvalid as mistake:
            self._rules = self._last_good(mistake)
            return
        self._take(texts, rules)

    def _last_good(self, mistake: ConfigurationInvalid) -> RuleSet:
        kept = self._kept.last_good(_KIND, _NAME)
        if kept is None:
            raise mistake
        texts = _Texts.from_kept(kept)
        try:
            register = load_register(texts.accounts)
            rules = load_rules(texts.rules, register, self._connections)
        except ConfigurationInvalid as other:
            detail = f"{mistake.detail}; nor do the rules kept last fit any more: {other.detail}"
            raise ConfigurationInvalid(detail) from None
        self._problem = mistake.detail
        self._notice(REJECTED, f"{mistake.detail} (the rules kept last are in force)")
        return rules

    def _take(self, texts: _Texts, rules: RuleSet) -> None:
        """Good rules are in force even while they cannot be kept: refusing them would keep a leaver's access alive."""
        self._rules = rules
        self._not_kept = texts
        if problem := self._keep():
            self._notice(NOT_KEPT, f"{problem} (they are in force, and will be kept when that is possible)")

    def _keep(self) -> str | None:
        """Keeps what is in force where that is not yet done; gives what went wrong.

        New rules are told of by the one process that keeps them, not by every worker and node that reads them.
        """
        if self._not_kept is None:
            return None
        document = self._not_kept.to_kept()
        try:
            if self._kept.last_good(_KIND, _NAME) != document:
                self._kept.keep(_KIND, _NAME, document)
                self._notice(LOADED, f"version {self._rules.version}, {len(self._rules.rules)} rules")
        except BridgeError as problem:
            return problem.detail
        self._not_kept = None
        return None

    def _load(self, texts: _Texts) -> RuleSet:
        rules_path, accounts_path = self._paths
        register = _named(accounts_path, lambda: load_register(texts.accounts))
        return _named(rules_path, lambda: load_rules(texts.rules, register, self._connections))

    def _read(self) -> _Texts:
        rules, accounts = (_text_of(path) for path in self._paths)
        return _Texts(rules, accounts)

    def _sign(self) -> _Signature:
        return tuple(_signature_of(path) for path in self._paths)


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


def _signature_of(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError as problem:
        return (problem.errno or 0,)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
