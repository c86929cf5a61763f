"""One way to end a command on many items, and its exit code."""

import pytest

from trainer.actions.outcome import require_done
from trainer.core.errors import RefusedError, SourceError, TrainerError, UsageError


def ending(errors: dict[str, TrainerError], count: int, **options: bool) -> TrainerError:
    with pytest.raises(TrainerError) as caught:
        require_done(errors, count, "files", **options)
    return caught.value


def test_where_nothing_failed_nothing_is_raised() -> None:
    require_done({}, 3, "files")


def test_one_item_alone_ends_with_its_own_error() -> None:
    error = UsageError("wrong")

    assert ending({"a": error}, 1) is error


def test_some_of_many_are_partly_done_and_each_is_named() -> None:
    error = ending({"a": SourceError("gone")}, 2)

    assert error.exit_code == 6
    assert str(error) == "a: gone\n1 of 2 files failed\n  the rest is kept; a rerun does only these"


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ({"a": RefusedError("no"), "b": RefusedError("no")}, 4),
        ({"a": UsageError("no"), "b": UsageError("no")}, 2),
        ({"a": UsageError("no"), "b": RefusedError("no")}, 1),
    ],
)
def test_all_of_many_end_with_the_code_that_they_have_in_common(errors: dict[str, TrainerError], code: int) -> None:
    assert ending(errors, 2).exit_code == code


def test_what_was_told_already_is_only_summed_up() -> None:
    assert str(ending({"a": SourceError("gone")}, 1, is_reported=True)) == "1 of 1 files failed"


def test_a_name_that_the_message_begins_with_is_not_said_twice() -> None:
    assert str(ending({"a.md": UsageError("a.md:3: wrong")}, 2)).startswith("a.md:3: wrong\n")
