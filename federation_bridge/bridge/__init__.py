"""The operations of the product, and the only place that joins its steps.

Browser, command line and stock AWS clients all call these operations. Read `verbs` first, from top to bottom. Below it
lie the steps: `answer` and `admission` end a sign-in, `granting` is the only way to a grant, `entries` writes the audit
entries of both. `parts` holds what they need.
"""

from federation_bridge.bridge.admission import Admission, token_hash
from federation_bridge.bridge.granting import get_ready
from federation_bridge.bridge.leaving import Leaving, WebIdentityToken
from federation_bridge.bridge.offers import Offer, Offers
from federation_bridge.bridge.parts import Parts
from federation_bridge.bridge.verbs import Bridge

__all__ = ["Admission", "Bridge", "Leaving", "Offer", "Offers", "Parts", "WebIdentityToken", "get_ready", "token_hash"]
