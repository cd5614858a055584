"""Access: what a token opens (RFC 6750, RFC 9449 7)."""

from __future__ import annotations

from federation_bridge.errors import InvalidToken, OtherDoor
from federation_bridge.model import RequestOrigin
from federation_bridge.oauth.dpop import DpopProof
from federation_bridge.oauth.families import Families, session_of
from federation_bridge.oauth.messages import Bearer
from federation_bridge.oauth.opaque_secrets import LONGEST
from federation_bridge.oauth.parts import Parts
from federation_bridge.oauth.proofs import Proofs


class Access:
    """Who calls with a token."""

    def __init__(self, parts: Parts, proofs: Proofs, families: Families) -> None:
        self._parts = parts
        self._proofs = proofs
        self._families = families

    def bearer(self, access_token: str, proof: DpopProof | None, origin: RequestOrigin, client_id: str) -> Bearer:
        """Who calls with this access token at the door of this client; no token opens the door of another.

        InvalidToken (OtherDoor for a live token of another client), or InvalidDpopProof where the proof fails.

        A family whose person has lost every role ends here.
        """
        is_bounded = len(access_token) <= LONGEST
        family = self._parts.store.token_families.live(access_token) if is_bounded else None
        if family is None:
            raise InvalidToken("no live token")
        if family.client_id != client_id:
            # A token that stock AWS clients keep in a file, bound to no key, shall open no more than they use it for.
            raise OtherDoor(f"a token of {family.client_id} at the door of {client_id}")
        if family.role:
            # What was let in for one role shall not open the others: its door takes the tokens' session itself.
            raise InvalidToken(f"the token stands for {family.role} alone")
        if family.dpop_jkt is not None:
            self._proofs.check_bound(family.dpop_jkt, access_token, proof)
        elif proof is not None:
            # Its proof would prove nothing, and its program believes that it does (RFC 9449 7.1).
            raise InvalidToken("the token is bound to no key and came with a proof")
        self._families.check_lives(family, origin)
        return Bearer(session_of(family), family)
