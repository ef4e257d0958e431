"""Pure matching, one module a task: arrays in, counts out. Readers' agreement and devices' scores share it.

Hands out `events.match_events` (events in time, SzCORE rules), `masks.overlap` and `masks.surface_distances`,
`classification.count_binary`, `count_classes` and `count_labels` (cases by subject).
"""
