"""A question by all that changes its answer: a failure that is kept for others answers the very same question alone.

It begins with how the bridge is reached and in which language its answers are told: who mends one of them after a
failure asks anew. The digest lies on the disk for a while, and gives nothing away: see `_way_out`.
"""

from __future__ import annotations

import hashlib
import json

from federation_bridge.cli.context import Context
from federation_bridge.cli.http_client import authorities_of
from federation_bridge.cli.i18n import language
from federation_bridge.cli.session.login import chosen_way

_BYTES_OF_A_PASSWORD = 2
"""Of its digest: enough to tell a corrected password from the wrong one, too little to find one by guessing."""


def sign_in_question(context: Context) -> str:
    """What is asked of a person, and in which way."""
    return _digest("sign-in", *_around(context))


def credentials_question(context: Context, kept_key: str, **asked: str) -> str:
    """What the bridge is asked, in words that mean one thing, by the sign-in that `kept_key` names."""
    return _digest(
        "credentials", *_around(context), kept_key, *(f"{name}={text}" for name, text in sorted(asked.items()))
    )


def _around(context: Context) -> tuple[str, ...]:
    way = chosen_way(context.way, context.environ)
    return context.address + context.me, way, language(context.environ), *_way_out(context)


def _way_out(context: Context) -> tuple[str, ...]:
    """The proxy, of whose password next to nothing, and the file of authorities."""
    proxy = context.http.proxy
    url = proxy.url if proxy is not None else ""
    hint = hashlib.sha256(url.encode("utf-8", "surrogatepass")).digest()[:_BYTES_OF_A_PASSWORD].hex()
    return str(proxy or ""), hint, *authorities_of(context.environ)


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
