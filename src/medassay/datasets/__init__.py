"""From files to a frozen, disease-specific dataset.

Hands out `ingest` (files to proven objects and the catalogue), `freeze` (what is still in to one version with its
case flow), `inspect` (what any file is), the object store, and the pseudonyms under which one person's files meet.
"""
