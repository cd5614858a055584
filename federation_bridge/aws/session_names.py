"""Names that CloudTrail will show, in AWS's alphabet: readable, and never the same for two people.

A name that stands as it came and a name that was folded never look alike: what was folded ends in a hyphen and sixteen
characters of hash, and a text that already ends so is folded too.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from functools import lru_cache

from federation_bridge.aws_limits import LONGEST_PERSON_NAME, PERSON_NAME
from federation_bridge.model import Identity

_AGENT = "agent="
_HASH_BYTES = 10  # 80 bits: sixteen characters of base32 without padding
_FOLDED = re.compile(r".*-[a-z2-7]{16}", re.DOTALL)
_READABLE_LENGTH = LONGEST_PERSON_NAME - 1 - 16
_ILLEGAL_RUN = re.compile(r"[^a-zA-Z0-9_+=,.]+")


def session_name(identity: Identity, *, for_agent: bool = False) -> str:
    """RoleSessionName of this person: the verified e-mail address as it is, otherwise a readable name with a hash.

    Only a verified address holds an `@`, so nobody can be named as another's address. Their agent's begins with
    `agent=`, and nobody's own does (attack: who calls themselves so does what CloudTrail then says an agent did).
    """
    name = _of_person(identity)
    return f"{_AGENT}{name}"[:LONGEST_PERSON_NAME] if for_agent else name


def _of_person(identity: Identity) -> str:
    email = identity.email or ""
    is_marked = email.lower().startswith(_AGENT)
    if identity.email_is_verified and "@" in email and PERSON_NAME.fullmatch(email) and not is_marked:
        return email
    readable = _readable(email if identity.email_is_verified and email else identity.name)
    if readable.lower().startswith(_AGENT):
        readable = readable.replace("=", "-", 1)
    return with_hash(readable, identity.person)


def with_hash(name: str, person: str) -> str:
    """A readable form of `name` and at least 64 bits of hash of the person (`connection/subject`); 18 to 64 characters.

    Told apart by the hash alone, so two people never share one, whatever they are called.
    """
    suffix = "-" + _hash(person)
    if name.endswith(suffix) and "@" not in name and PERSON_NAME.fullmatch(name):
        return name
    return (_readable(name)[:_READABLE_LENGTH].rstrip("-") or "person") + suffix


@lru_cache(maxsize=1024)
def source_identity(text: str) -> str:
    """SourceIdentity for a person (`connection/subject`) or for what a rule filled in: as it is where AWS can take it,
    otherwise folded with a hash of the text. Injective; never begins with `aws:`.
    """
    if PERSON_NAME.fullmatch(text) and not _FOLDED.fullmatch(text):
        return text
    return (_readable(text)[:_READABLE_LENGTH].rstrip("-") or "person") + "-" + _hash(text)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:_HASH_BYTES]
    return base64.b32encode(digest).decode().lower()


def _readable(text: str) -> str:
    """Letters without their accents; every run of anything else AWS does not take (and `@`) becomes one hyphen."""
    plain = unicodedata.normalize("NFKD", text)
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    return _ILLEGAL_RUN.sub("-", letters).strip("-")
