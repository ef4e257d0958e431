"""Where a device meets data: the sealed room, training, and the run of one validation.

Hands out `train`, `validate`, the `RunRecord` and `results_of` it; the scorer opens labels, the device never
does.
"""
