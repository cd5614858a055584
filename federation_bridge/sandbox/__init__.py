"""What stands in for the outside world on one machine: a local AWS and a local company with its identity provider.

Owns nothing that the product needs to run: it may be left out of an installation. Everything here listens on
loopback only, unless a setting says otherwise.
"""
