"""The one HTTP client for everything that we fetch: metadata, discovery, keys, tokens, the console's sign-in token.

It owns where we may connect (https, addresses checked after the one look-up and dialled as checked), and how long and
how much we listen. It leaves alone what the bytes mean. It never follows a redirect and ignores environment variables.
"""

from federation_bridge.outgoing.addresses import is_allowed, system_resolver
from federation_bridge.outgoing.connections import dial
from federation_bridge.outgoing.fetching import Fetched, Outgoing
from federation_bridge.outgoing.requests_adapter import OutgoingAdapter

__all__ = ["Fetched", "Outgoing", "OutgoingAdapter", "dial", "is_allowed", "system_resolver"]
