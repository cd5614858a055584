"""The doors of stock AWS clients, unmodified: `aws sso`, SDK `sso_session` profiles and `aws login`.

Owns the wire dialects (JSON shapes, error classes, addresses) that those clients speak. Leaves every decision to the
authorization server's core and the bridge's verbs: a door here translates, and nothing else.
"""
