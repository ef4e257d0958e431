"""Protocol, scoring and analysis: what is asked of a device, fixed before test labels open, and what came of it.

Hands out `Protocol`, whose digest is booked before unsealing; `analyse`, from per-subject statistics to
estimates, subgroups and the verdict by rule; and double entry of the headline counts.
"""
