"""The person's terminal, `fedbridge`: signs in once, then hands every AWS tool its credentials.

Speaks HTTP to the bridge and never imports the server. Owns what lies on the person's computer: the session (keyring or
private file), the finished answers of `credential-process`, and the profiles that it wrote itself. Decides nothing
about roles: the bridge does.
"""
