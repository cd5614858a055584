"""CloudTrail: every call as an event of the real shape, kept in memory and, if asked, appended to a file.

Owns what an event looks like and how it is looked up. Secrets never reach it.
"""
