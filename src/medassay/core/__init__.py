"""What every room stands on: errors, findings, digests, atomic files, estimates, specs, the workspace.

Hands out small frozen records and pure functions; knows no format, no statistic and no other room.
"""
