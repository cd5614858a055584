"""Sign-in by SAML 2.0: what we send to an identity provider and what we believe of its answer.

A message passes four stages in one order: the *gate* (bytes and structure, before any cryptography), the *verifier*
(the pinned key over canonical bytes), the *reader* (reads those very bytes), the *validation* (audience, recipient,
request, time, status). python3-saml then gives a second opinion on what has passed. Sessions, replay and the sign-in
that is pending belong to the caller.
"""
