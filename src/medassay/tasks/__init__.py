"""Pure matching, one module a task: arrays in, counts out. Readers' agreement and devices' scores share it.

Hands out `events.match_events` (events in time, SzCORE rules), `masks.overlap` and `surfaces.surface_distances`,
`points.match_points` (LUNA16 rules), `boxes.match_boxes` (COCO rules), `counting.compare_counts`, and
`classification.count_binary`, `count_classes` and `count_labels` (cases by subject).
"""
