import pytest

from medassay.core.errors import WrongUse
from medassay.core.rooms import module_of


def test_an_extension_is_found_by_its_name():
    assert module_of("medassay.tasks", "masks", what="task").__name__ == "medassay.tasks.masks"


def test_an_unknown_name_is_answered_with_those_that_exist():
    with pytest.raises(WrongUse, match="masks"):
        module_of("medassay.tasks", "mask", what="task")
