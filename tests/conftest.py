"""Every run of the suite tries the same examples, so that a red run is red again; `--hypothesis-profile=explore`
tries new ones."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("repeatable")
