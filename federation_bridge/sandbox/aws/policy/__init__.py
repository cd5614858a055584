"""IAM's policy language, as pure functions: documents, conditions, and the decision.

Knows nothing of services, sessions or the network: a request is an action, a resource and context keys.
"""
