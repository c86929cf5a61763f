"""What a terminal sees: tables that fit it, and nothing that steers it."""

import io

import pytest

from trainer.cli.show import visible, write_table, write_text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal_in(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal in place of stdout; not in a fixture, whose stdout pytest takes back before the test begins."""
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    return screen


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_a_table_fits_the_terminal_and_its_first_column_is_cut_last(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = terminal_in(monkeypatch)

    write_table(("report", "from", "open"), [("overview-of-much", "file:a" * 20, "output/html/overview-of-much.html")])

    lines = terminal.getvalue().splitlines()
    assert max(map(len, lines)) <= columns
    assert lines[1].startswith("overview-of-much  ")


def test_reasons_go_on_below_instead_of_being_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    terminal = terminal_in(monkeypatch)

    write_table(("report", "why"), [("a", "the instruction changed and the data changed too")], wraps=True)

    assert " ".join(terminal.getvalue().split()[2:]) == "a the instruction changed and the data changed too"


def test_elsewhere_a_table_is_as_wide_as_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)

    write_table(("a", "b"), [("x" * 200, "y")])

    assert "x" * 200 in capsys.readouterr().out


def test_an_answer_does_not_steer_a_terminal_and_stays_as_it_is_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_in(monkeypatch)
    answer = "\x1b]0;owned\x07\x1b[2Jtext\twith a tab\n"

    write_text(answer)
    assert "\x1b" not in terminal.getvalue()
    assert "text\twith a tab\n" in terminal.getvalue()
    pipe = io.StringIO()
    monkeypatch.setattr("sys.stdout", pipe)
    write_text(answer)
    assert pipe.getvalue() == answer


def test_what_is_shown_of_a_control_character_tells_which_it_was() -> None:
    assert visible("a\x1bb\n") == "a\\x1bb\n"
