"""One module a verb: the only place where the floors meet. `cli` and `web` are coats over these.

A verb reads specs and the Evidence of the step before, calls an engine, keeps what it gives, and ends in Evidence,
a ledger line and a pointer.
"""
