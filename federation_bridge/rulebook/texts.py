"""The rulebook as text: the rules and the register, always as one set."""

from __future__ import annotations

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
            raise ConfigurationInvalid("the rules kept last cannot be read") from None
