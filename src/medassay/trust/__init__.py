"""What makes a record believable: Evidence under its own digest, and a signed, hash-chained ledger.

Hands out `Evidence` and the ledger's `append`, `read` and `verify`.
"""
