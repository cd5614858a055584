"""The operator's terminal, `federation-bridge`: serve, check, migrate, issuer, keys, audit, sandbox, demo.

Owns words and exit codes; what it does is done by the parts that `app.py` joins.
"""
