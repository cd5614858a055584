"""The rulebook as text: the rules and the register, always as one set."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from federation_bridge.errors import ConfigurationInvalid


@dataclass(frozen=True, slots=True)
class Texts:
    """What rules and register say. They are one set: the one never meets a version of the other that it was not
    written for.
    """

    rules: str
    accounts: str

    @property
    def digest(self) -> str:
        """SHA-256 of both as one document, in hexadecimal digits: what a version and the audit call them by."""
        return hashlib.sha256(self.to_kept().encode()).hexdigest()

    def to_kept(self) -> str:
        """Both as one document."""
        return json.dumps({"rules": self.rules, "accounts": self.accounts})

    @classmethod
    def from_kept(cls, kept: str) -> Texts:
        """The texts in such a document; ConfigurationInvalid where it cannot be read."""
        try:
            document = json.loads(kept)
            return cls(str(document["rules"]), str(document["accounts"]))
        except (ValueError, KeyError, TypeError):
            raise ConfigurationInvalid("the version cannot be read") from None
