"""Attacks on signing in by OpenID Connect."""
