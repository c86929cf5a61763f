"""What a terminal sees: tables that fit it, and nothing that steers it."""

import ast
import io
import json
from pathlib import Path

import pytest

import trainer.cli
from trainer.cli.commands import COMMANDS
from trainer.cli.show import visible, write_csv, write_json, write_json_line, write_piece, write_table, write_text
from trainer.core.cells import guarded_cell


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


STEERING = "\x1b]0;title\x07\x1b[2J\x9b2J\x7f\r"


def test_no_way_of_printing_lets_data_steer_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_in(monkeypatch)

    write_text(STEERING)
    write_piece(STEERING)
    write_json({STEERING: STEERING})
    write_json_line([STEERING])
    write_csv([STEERING], [[STEERING]])
    write_table([STEERING], [[STEERING]])

    assert visible(terminal.getvalue()) == terminal.getvalue()


def test_json_for_a_terminal_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_in(monkeypatch)

    write_json({"a": STEERING})

    assert json.loads(terminal.getvalue()) == {"a": STEERING}


def _written_past_the_guards(path: Path) -> list[str]:
    """The calls of a module that write to stdout or stderr, or CSV, by themselves."""
    calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    direct = (
        "sys.stdout.write",
        "sys.stderr.write",
        "sys.stdout.buffer.write",
        "csv.writer",
        "csv.DictWriter",
        "print",
    )
    handed_on = [ast.unparse(node) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
                 if any(ast.unparse(argument) == "sys.stdout" for argument in node.args)]  # fmt: skip
    return [call for call in calls if call in direct] + handed_on


def test_every_command_prints_through_the_guards() -> None:
    """`show` holds the guards; the door, the voice of a session and completion put `visible` before what they write."""
    folder = Path(trainer.cli.__file__).parent
    guards = {"show.py", "main.py", "session.py", "completion.py"}
    past = {path.name: found for path in sorted(folder.rglob("*.py")) if path.name not in guards
            if (found := _written_past_the_guards(path))}  # fmt: skip

    assert COMMANDS.keys() <= {path.stem for path in folder.rglob("*.py")}
    assert past == {}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1+1", "\u00a0=1", "＝1", "-cmd", "+49 30"])  # fmt: skip  # noqa: E501
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert guarded_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [None, True, -1, -1.5, 1e-9, "-1", "-1.50", "-1e-07", "a=b", "", "2026-01-01", "'=1"])
def test_what_no_spreadsheet_runs_stays(value: object) -> None:
    assert guarded_cell(value) == value
