"""The operator's terminal, `federation-bridge`: serve, check, migrate, keys, audit, what AWS needs, sandbox, demo.

Owns words and exit codes; what it does is done by the parts that `app.py` joins.
"""
