"""The browser's door: pages, the JSON API, what AWS reads of us, and health. Thin routes onto the verbs of `bridge.py`.

Owns cookies, forms, headers and how a refusal looks. Decides nothing about who may have what.
"""
