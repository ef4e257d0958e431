"""Pure functions on arrays that turn per-subject sufficient statistics into figures with intervals.

Hands out `proportion` (binomial intervals), and `ratio` and `ratio_difference` (endpoints with
subject-clustered intervals).
"""
