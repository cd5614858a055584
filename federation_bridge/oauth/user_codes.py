"""User codes (RFC 8628 6.1): eight letters that nobody misreads, 34.6 bits, shown as `WDJB-MJHT`."""

from __future__ import annotations

import hashlib
import hmac
import re

from federation_bridge.errors import WrongUserCode
from federation_bridge.model import Randomness

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels (so no words), no digits, no letter that looks like another."""
LENGTH = 8

_SEPARATORS = re.compile(r"[-\s\u2010-\u2015]")
_CODE = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")


def new_user_code(randomness: Randomness) -> str:
    """A fresh code, each letter equally likely, as people see it."""
    # 128 bits for 34: no letter comes more often than another by more than 2**-90.
    number, letters = int.from_bytes(randomness(16), "big"), ""
    for _ in range(LENGTH):
        number, place = divmod(number, len(ALPHABET))
        letters += ALPHABET[place]
    return f"{letters[:4]}-{letters[4:]}"


def read_user_code(typed: str) -> str:
    """The eight letters that were typed, in whatever case and with whatever separators; WrongUserCode for any other."""
    letters = _SEPARATORS.sub("", typed).upper() if typed.isascii() else _SEPARATORS.sub("", typed)
    if not _CODE.fullmatch(letters):
        raise WrongUserCode("what was typed is no user code")
    return letters


def keyed_hash(key: bytes, letters: str) -> str:
    """The form in which a code is stored: without the key, 34 bits could be tried out from a copy of the database."""
    return hmac.new(key, letters.encode("ascii"), hashlib.sha256).hexdigest()
