"""The operator's verbs: what changes something takes its audit entry into the same transaction.

Pages, commands and the API are doors onto these; the person's verbs are in `bridge`.
"""
