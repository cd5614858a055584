"""Who are you? Sign-in at identity providers, by SAML 2.0 and OpenID Connect.

Owns the way there and all that is checked of an answer: `depart` and `arrive` of each connection. It leaves to the
pipeline what must be atomic (that a sign-in and a message work once), and knows nothing of sessions, rules and AWS.
What differs between providers in name only is data, in `presets`.
"""
