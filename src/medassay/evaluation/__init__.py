"""Protocol and scoring: what is asked of a device, fixed before test labels open.

Hands out `Protocol`, whose digest is booked before unsealing, and the `verdict` by rule.
"""
