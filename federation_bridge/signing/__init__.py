"""Signing: our keys by purpose, and what is signed with them.

Owns private keys, how they are made, sealed and kept, and the forms of a signature (JWS, XML Signature). Leaves to
others what is said in a statement. Nobody outside sees a private key.
"""

from federation_bridge.signing.key import DecryptionKey, PrivateKey, SigningKey, thumbprint
from federation_bridge.signing.local import sealed_anew
from federation_bridge.signing.purposes import Purpose
from federation_bridge.signing.ring import KeyRing, signing_one
from federation_bridge.signing.sealing import (
    derived_key,
    lay_beside,
    put_in_place,
    read_or_make_sealing_key,
    read_sealing_key,
    sealing_key_from,
    waiting_beside,
)

__all__ = [
    "DecryptionKey",
    "KeyRing",
    "PrivateKey",
    "Purpose",
    "SigningKey",
    "derived_key",
    "lay_beside",
    "put_in_place",
    "read_or_make_sealing_key",
    "read_sealing_key",
    "sealed_anew",
    "sealing_key_from",
    "signing_one",
    "thumbprint",
    "waiting_beside",
]
