"""Whether a provider's words say that a person is not assigned to our application.

They come by the browser, nobody signed them, and providers change them. So they decide only which sentence the person
reads. Unknown words get the sentence for a sign-in that was not completed.
"""

from __future__ import annotations

import re

_WORDS = re.compile(r"AADSTS50105\b|\bnot assigned to\b|\bapp_not_enabled_for_user\b", re.IGNORECASE)
"""Entra ID's code, Okta's sentence, Google's code."""

_READ = 2_000


def tells_not_assigned(words: str) -> bool:
    """Whether these words of a provider say so."""
    return _WORDS.search(words[:_READ]) is not None
