"""Every command of the command line's parts can be typed."""

import inspect

from medassay.cli import files, main, questions, steps


def test_no_command_is_forgotten_in_the_list_that_help_shows():
    written = {
        one
        for part in (steps, questions, files)
        for name, one in inspect.getmembers(part, inspect.isfunction)
        if one.__module__ == part.__name__ and not name.startswith("_")
    }
    assert set(main.COMMANDS) == written
    assert len(main.COMMANDS) == len(written)
