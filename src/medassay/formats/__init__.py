"""Readers and writers of the field's own formats: recognise by content, open lazily, describe, read, write.

Each reader has four doors: `recognises(head)`, `open(source)` (header only), `examine(opened)` (findings,
raises nothing) and `describe(opened)`; samples come by an explicit call, in physical units.
"""
