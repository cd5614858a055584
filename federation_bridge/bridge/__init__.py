"""The verbs of the product: the one place that strings the arrows together.

Browser, command line and stock AWS clients are doors onto these verbs. Read `verbs` first, from top to bottom. Below it
lie the steps: `answer` and `admission` end a sign-in, `granting` is the one road to a grant, `entries` is what the
audit hears of both. `parts` is what they work with.
"""

from federation_bridge.bridge.admission import Admission, token_hash
from federation_bridge.bridge.granting import get_ready
from federation_bridge.bridge.leaving import Leaving, WebIdentityToken
from federation_bridge.bridge.offers import Offer, Offers
from federation_bridge.bridge.parts import Parts
from federation_bridge.bridge.verbs import Bridge

__all__ = ["Admission", "Bridge", "Leaving", "Offer", "Offers", "Parts", "WebIdentityToken", "get_ready", "token_hash"]
