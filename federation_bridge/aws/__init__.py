"""How AWS comes to trust us: signs one short statement for one grant, redeems it at STS, opens the console.

Owns everything that AWS defines (partitions, names, tags, assertions, JWTs, STS, sign-in endpoints, trust policies) and
all use of boto3. Leaves alone who may have what: a grant arrives decided and audited, and is checked here only against
AWS's own limits.
"""
