"""Deterministic hospital exports with planted truth, one module a kind of data.

Each module has `Parameters` (a spec model) and `generate(parameters, seed, export, truth)`: it writes what a
hospital would export below the folder `export`, its readers' files among it, and what it planted as one JSON
file `truth` outside of it. Same parameters and seed: same bytes.
"""
