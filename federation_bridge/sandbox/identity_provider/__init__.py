"""A local identity provider that speaks SAML 2.0 and OpenID Connect, for trying the bridge out and for its tests.

It owns the other side of a sign-in: who the person is, their password, signed answers, and the refusals that real
providers make. It knows of the bridge only what an administrator would register: SP metadata, or a client and its
redirect URI. It takes its people from `sandbox.directory` and decides nothing about roles.
"""
