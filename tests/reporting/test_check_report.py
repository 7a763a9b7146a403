"""How lints are shown: bounded for a person, complete for machines."""

from rnncli.data.lints.lint import Lint, Place, counted, listed
from rnncli.reporting.check_report import lint_lines


def lint(count: int) -> Lint:
    places = tuple(Place("f", i + 1, f"case {i}") for i in range(count))
    return Lint("kind", "f", f"{count} cases", places)


def test_a_lint_of_a_whole_file_is_one_line() -> None:
    assert lint_lines([lint(0)]) == ["f: 0 cases [kind]"]


def test_one_place_stands_for_itself() -> None:
    assert lint_lines([lint(1)]) == ["f:1: case 0 [kind]"]


def test_a_few_places_are_shown_and_the_rest_is_counted() -> None:
    few = lint_lines([lint(5)])
    assert few[0] == "f: 5 cases [kind]"
    assert few[1:] == [f"f:{i + 1}: case {i} [kind]" for i in range(5)]
    many = lint_lines([lint(1005)])
    assert many[1:6] == few[1:]
    assert many[6:] == ["f: and 1,000 more [kind]"]


def test_numbers_and_names() -> None:
    assert (counted(1, "tag"), counted(2, "tag"), counted(1000, "tag")) == ("1 tag", "2 tags", "1,000 tags")
    assert listed("abc") == "a, b, c"
    assert listed("abcdefghijklmn").endswith("l and 2 more")


def test_the_short_form_names_the_first_place() -> None:
    assert lint(3).in_short() == "3 cases: f:1: case 0"
    assert lint(0).in_short() == "0 cases"
