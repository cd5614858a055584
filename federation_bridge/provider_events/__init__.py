"""What identity providers tell us about people who have signed in: that it is over.

Owns the verbs that follow from such a message: it is believed once, and what it means has ended here. The checks of a
message are its connector's, atomicity is the store's, and the answers in each protocol's words are `web`'s.
"""

from federation_bridge.provider_events.endings import ProviderEvents
from federation_bridge.provider_events.signals import Signals

__all__ = ["ProviderEvents", "Signals"]
