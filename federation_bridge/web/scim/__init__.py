"""`/scim/v2/<connection>`: identity providers tell of people and groups (RFC 7643, 7644). Imported where a connection
has `scim` in its settings, and nowhere else: the library of its messages takes a third of a second to load.
"""
