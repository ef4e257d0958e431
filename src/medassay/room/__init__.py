"""Where a device meets data: the sealed room, training, and the run of one validation.

Hands out `RunRecord`; the scorer opens labels, the device never does.
"""
