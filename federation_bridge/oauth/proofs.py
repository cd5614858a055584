"""Which program asks: its client, and the key that it proves to hold (RFC 9449), each proof once."""

from __future__ import annotations

import hmac

from federation_bridge.errors import InvalidDpopProof, InvalidToken
from federation_bridge.oauth.clients import Client, client_named
from federation_bridge.oauth.dpop import DpopProof, ProvenKey, proven_key
from federation_bridge.oauth.parts import Parts


class Proofs:
    """Checks proofs and spends them, so that none is good twice on any node."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def asking(self, client_id: str, proof: DpopProof | None) -> tuple[Client, str | None]:
        """The client and the thumbprint of its key, if it shows one.

        InvalidClient; InvalidDpopProof for a bad or used proof, and for none where the client needs one.
        """
        client = client_named(client_id)
        jkt = self.thumbprint(proof)
        if client.needs_key and jkt is None:
            raise InvalidDpopProof(f"{client_id} has to prove its key")
        return client, jkt

    def thumbprint(self, proof: DpopProof | None) -> str | None:
        """The thumbprint of the key that is proven, None without a proof; InvalidDpopProof for a bad or used one."""
        if proof is None:
            return None
        key = proven_key(proof, self._parts.clock())
        self._spend(key)
        return key.thumbprint

    def check_bound(self, jkt: str, access_token: str, proof: DpopProof | None) -> None:
        """Nothing where the caller holds the key to which its token is bound (RFC 9449 7.1).

        InvalidToken for no proof or one of another key, InvalidDpopProof for a bad or used one.
        """
        if proof is None:
            raise InvalidToken("the token is bound to a key and came without a proof")
        key = proven_key(proof, self._parts.clock(), access_token)
        if not hmac.compare_digest(key.thumbprint, jkt):
            raise InvalidToken("the token is bound to another key")
        self._spend(key)

    def _spend(self, key: ProvenKey) -> None:
        if not self._parts.store.spent_proofs.spend(key.thumbprint, key.proof_id, key.ends_at):
            raise InvalidDpopProof("the proof was used before: a replay")
