"""As much of IAM as a federation needs, for real clients: providers, roles, policies, users.

Owns reading the parameters and writing the answers; the rules of what may be made stand in `provisioning`.
"""
