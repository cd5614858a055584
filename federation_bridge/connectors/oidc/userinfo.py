"""What the userinfo endpoint says of the person whose ID token we have (OpenID Connect Core 5.3)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Sequence

from federation_bridge.connectors.oidc.strict_json import published_object
from federation_bridge.errors import ProviderUnreachable, SignInRejected
from federation_bridge.model import JsonObject
from federation_bridge.outgoing import Fetched

_LARGEST = 512_000
_BEARER = re.compile(r"[!-~]{1,32000}")
_OK, _SERVER_ERROR = 200, 500


def ask_userinfo(
    fetch: Callable[..., Fetched], endpoint: str, access_token: str | None, networks: Sequence[str]
) -> Fetched:
    """The answer to this access token, unread and at most 512 kB; the token goes to the pinned endpoint alone.

    SignInRejected where there is no token that a header can carry, ProviderUnreachable where nobody answers properly.
    """
    if access_token is None or not _BEARER.fullmatch(access_token):
        raise SignInRejected("userinfo: the token endpoint gave no access token to ask with")
    headers = {"Accept": "application/json", "Authorization": f"Bearer {access_token}"}
    answer = fetch(endpoint, headers=headers, networks=networks, max_bytes=_LARGEST)
    if answer.status >= _SERVER_ERROR:
        raise ProviderUnreachable(f"userinfo: answered {answer.status}")
    return answer


def read_userinfo(answer: Fetched, subject: str) -> JsonObject:
    """The claims about `subject`, the verified ID token's `sub`. SignInRejected where they are not about exactly that
    person: an access token of somebody else brings somebody else's claims (Core 5.3.2, attack I09).

    A signed answer is refused, as its signature would have to be checked, and nobody asked for one.
    """
    if answer.status != _OK:
        raise SignInRejected(f"userinfo: answered {answer.status}: may this client ask it, with these `scopes`?")
    if answer.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/jwt":
        raise SignInRejected("userinfo: the answer is signed or encrypted; let the provider send it as plain JSON")
    claims = published_object(answer.body, "userinfo")
    about = claims.get("sub")
    if not isinstance(about, str) or not hmac.compare_digest(about.encode(), subject.encode()):
        raise SignInRejected("userinfo: is about another person than the ID token (sub)")
    return claims
