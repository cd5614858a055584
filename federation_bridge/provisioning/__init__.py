"""What a connection's SCIM client tells of its people and groups, and what follows at once: ends, blocks, groups.

`web/scim` reads and writes the messages; here a request is one transaction with its audit entries.
"""
