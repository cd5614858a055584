"""What the store keeps in place of what it was given: a hash.

The hashed things are 256 random bits or must only be compared, so a plain SHA-256 is enough (no password is here).
A digest also compares bytes, whatever the database's collation makes of case and trailing blanks.
"""

from __future__ import annotations

import hashlib


def digest_of(purpose: str, *parts: str) -> str:
    """SHA-256 of the parts, each with its length, so that no two lists of parts give the same; 64 hex digits."""
    hashed = hashlib.sha256(f"federation-bridge {purpose}".encode())
    for part in parts:
        # surrogatepass: a lone surrogate is a strange text, not a failure.
        encoded = part.encode("utf-8", "surrogatepass")
        hashed.update(b"\n%d:" % len(encoded) + encoded)
    return hashed.hexdigest()
