"""What makes a record believable: Evidence under its own digest, keys, sealed labels, a signed ledger.

Hands out `Evidence`, `KeyRing`, `seal` and `unseal`, and the ledger's `append`, `read` and `verify`.
"""
