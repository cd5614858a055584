"""What this identity provider refuses, in its protocol's words: another party's errors, not ours."""

from __future__ import annotations


class Refusal(Exception):
    """A request that must not be answered at its return address: a page says why."""

    def __init__(self, code: str, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.status = status


class OAuthRefusal(Refusal):
    """An error of RFC 6749 (`code` is its `error`), told to the client: by redirect or as JSON."""
