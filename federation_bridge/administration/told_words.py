"""Words that people give and the history keeps: a reason, an author."""

from __future__ import annotations

from federation_bridge.errors import BadRequest
from federation_bridge.mapping.look_alikes import drawn
from federation_bridge.shown_text import first_hidden

_MOST_CHARACTERS = 1_000
"""Of a reason or an author's name."""
_APPROVAL = "(approved by"


def check_words(what: str, words: str) -> None:
    """BadRequest where words that stay in the history are missing, too long, or not what they look like."""
    if not words.strip() or len(words) > _MOST_CHARACTERS:
        raise BadRequest(f"{what} is needed, of at most {_MOST_CHARACTERS} characters")
    # A character that turns the order of reading around would show whoever agrees another sentence.
    if hidden := first_hidden(" ".join(words.split())):
        raise BadRequest(f"{what} has a character that cannot be seen: {hidden}")
    # The history writes who said yes behind the reason: a reason that ends so would invent a second person.
    if _APPROVAL in drawn(" ".join(words.split())):
        raise BadRequest(f"{what} cannot say `{_APPROVAL}`: the history says that of changes that were approved")
