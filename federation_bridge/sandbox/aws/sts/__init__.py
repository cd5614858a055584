"""The Security Token Service: one module per way to a session, each from parameters to credentials.

Owns which message brings which session. What a session may do later is decided where it is used.
"""
