"""The keys for names that SCIM compares without case (RFC 7643 section 2.2, `caseExact`)."""

from __future__ import annotations

from unicodedata import normalize


def name_key(name: str) -> str:
    """The same for two names that differ in case, or in how their accents are written, and in nothing else."""
    return normalize("NFC", normalize("NFC", name).lower())
