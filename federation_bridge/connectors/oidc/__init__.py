"""Sign-in by OpenID Connect: authorization code with PKCE, and an ID token that is believed only after every check.

Discovery and keys are fetched, kept and bounded in age; the token request is authlib's client over our own fetching;
the ID token is verified by joserfc behind a strict reading of its text. What the identity provider's documents say
about algorithms decides nothing. The package leaves spending of state and token to the pipeline.
"""
