"""Our authorization server: how command lines are signed in (RFC 6749, 7636, 8628, 9449, 9207, 7009): one core.

Owns clients, codes, token families and the proof of a program's key. Knows no wire format: the RFCs' dialect
(`web/oauth/endpoints.py`) and the dialects of stock AWS clients are thin doors onto it. What a command line may do is
decided where it is decided for browsers: a token opens a `model.Session`, and every verb of the bridge takes that.
"""
