"""The store keeps a hash in place of a secret.

The hashed things are 256 random bits or must only be compared, so a plain SHA-256 is enough (no password is here).
A digest also compares bytes, whatever the database's collation makes of case and trailing blanks.
"""

from __future__ import annotations

import hashlib

from federation_bridge.model import ProviderSession


def digest_of(purpose: str, *parts: str) -> str:
    """SHA-256 of the parts, each with its length, so that no two lists of parts give the same; 64 hex digits."""
    # surrogatepass: a lone surrogate is a strange text, not a failure.
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    text = b"".join([b"\n%d:%b" % (len(part), part) for part in encoded])
    return hashlib.sha256(f"federation-bridge {purpose}".encode() + text).hexdigest()


def names_at_provider(connection: str, named: ProviderSession) -> dict[str, str]:
    """The columns by which a row is found when its provider ends it: digests, "" for what has no name."""
    of = (connection, named.issuer)
    return {
        "provider_subject": digest_of("provider's subject", *of, named.subject) if named.subject else "",
        "provider_session": digest_of("provider's session", *of, named.session) if named.session else "",
    }
