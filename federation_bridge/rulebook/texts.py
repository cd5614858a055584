"""The rulebook as text: the rules and the register, always as one set."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from federation_bridge.errors import ConfigurationInvalid

NamedTexts = tuple[tuple[str, str], ...]
"""Several texts of rules, each behind the name of its file, in their order."""

MOST_TEXTS = 1_000
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)


@dataclass(frozen=True, slots=True)
class WantedFile:
    """One file of the rules as it shall be."""

    name: str
    written: str | None = None
    """Its text; None: that of the file `was`."""
    was: str | None = None
    """What it is called so far; None: as it shall be called."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What rules and register say. They are one set: the one never meets a version of the other that it was not
    written for.
    """

    rules: str | NamedTexts
    """One text; or several with their names, which are read as one set."""
    accounts: str

    @property
    def documents(self) -> NamedTexts:
        """The texts of the rules, however many they are; a text that is the only one may have no name."""
        return (("", self.rules),) if isinstance(self.rules, str) else self.rules

    @property
    def joined(self) -> str:
        """The rules to be read at once: the only text as it is, several behind each other, each under a remark."""
        if isinstance(self.rules, str):
            return self.rules
        return "".join(f"# {name}\n{_whole_lines(written)}" for name, written in self.rules)

    def document(self, name: str = "") -> str:
        """The text of this name, which the only one may not have; "" where there is none."""
        return dict(self.documents).get(name, "")

    def with_document(self, name: str, written: str) -> Texts:
        """The same set with another text under a name that it has; ConfigurationInvalid for an unknown name."""
        if name not in dict(self.documents):
            raise ConfigurationInvalid(f"the rules have no text named {name!r}")
        if isinstance(self.rules, str):
            return Texts(written, self.accounts)
        return Texts(tuple((one, written if one == name else old) for one, old in self.rules), self.accounts)

    def with_files(self, wanted: Sequence[WantedFile]) -> Texts:
        """The same register, and rules of these files in this order: whichever is not among them goes.

        ConfigurationInvalid where there is none, where one names a file that is not there, or a name twice.
        """
        if not wanted:
            raise ConfigurationInvalid("the rules need a file")
        return Texts(named_texts((one.name, self._written(one)) for one in wanted), self.accounts)

    def _written(self, wanted: WantedFile) -> str:
        was, known = wanted.name if wanted.was is None else wanted.was, dict(self.documents)
        if was not in known and (wanted.written is None or wanted.was is not None):
            raise ConfigurationInvalid(f"the rules have no text named {was!r}")
        return known[was] if wanted.written is None else wanted.written

    @property
    def digest(self) -> str:
        """SHA-256 of all as one document, in hexadecimal digits: what a version and the audit call them by.

        It covers the names and the order of several texts.
        """
        return hashlib.sha256(self.to_kept().encode()).hexdigest()

    def to_kept(self) -> str:
        """All as one document. One text without a name is written as it is, several as pairs of name and text."""
        return json.dumps({"rules": self.rules, "accounts": self.accounts})

    @classmethod
    def from_kept(cls, kept: str) -> Texts:
        """The texts in such a document; ConfigurationInvalid where it cannot be read."""
        try:
            document = json.loads(kept)
            rules, accounts = document["rules"], document["accounts"]
        except (ValueError, KeyError, TypeError):
            raise ConfigurationInvalid("the version cannot be read") from None
        if isinstance(rules, str):
            return cls(rules, str(accounts))
        if not _are_pairs(rules):
            raise ConfigurationInvalid("the version cannot be read")
        return cls(named_texts((name, written) for name, written in rules), str(accounts))


def _whole_lines(written: str) -> str:
    return written if not written or written.endswith("\n") else f"{written}\n"


def named_texts(texts: Iterable[tuple[str, str]]) -> NamedTexts:
    """Several texts as one set; ConfigurationInvalid where a name stands twice, or is none for a text of rules."""
    found: dict[str, str] = {}
    for name, written in texts:
        if not _NAME.fullmatch(name):
            told = "a file of several is named with at most 128 of A-Z a-z 0-9 and ._-, and no dot in front"
            raise ConfigurationInvalid(f"{name!a}: {told}")
        if name in found:
            raise ConfigurationInvalid(f"{name}: two files have this name, and a version tells texts apart by it")
        found[name] = written
    if len(found) > MOST_TEXTS:
        raise ConfigurationInvalid(f"the rules have more than {MOST_TEXTS} files")
    return tuple(found.items())


def _are_pairs(rules: object) -> TypeGuard[list[list[str]]]:
    if not isinstance(rules, list) or not rules:
        return False
    return all(isinstance(pair, list) and [type(one) for one in pair] == [str, str] for pair in rules)
