"""From files to a frozen, disease-specific dataset.

Hands out the object store, and the pseudonyms under which one person's files meet.
"""
