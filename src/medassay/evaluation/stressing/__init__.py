"""From a sample's files to the same files disturbed, one module a kind of data.

Each module gives `SUITE`, its perturbations by name, and `disturbed(sample, copy, files, how, strength, generator)`:
all files of the sample under the copy's id, times, geometry and reference as they were.
"""
