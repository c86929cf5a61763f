"""One public name of a class or type means one thing in the whole house."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import trainer


def type_names(body: list[ast.stmt]) -> Iterator[str]:
    """The public classes of a body, those inside classes too, and its aliases in capitals and small letters."""
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield statement.name
            yield from type_names(statement.body)
        elif isinstance(statement, ast.AnnAssign | ast.Assign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for target in targets:
                if isinstance(target, ast.Name) and target.id[:1].isupper() and not target.id.isupper():
                    yield target.id


def defined_twice(root: Path) -> dict[str, list[str]]:
    """Each public name that several files define, with those files."""
    places: dict[str, set[str]] = defaultdict(set)
    for path in root.rglob("*.py"):
        for name in type_names(ast.parse(path.read_text(encoding="utf-8")).body):
            if not name.startswith("_"):
                places[name].add(path.relative_to(root).as_posix())
    return {name: sorted(files) for name, files in sorted(places.items()) if len(files) > 1}


def test_no_public_class_or_type_stands_twice() -> None:
    assert defined_twice(Path(trainer.__file__).parent) == {}


def test_the_guard_sees_classes_and_aliases_of_two_files(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("class Row:\n    class Cell: ...\nKind = str\nLIMIT = 1\n_Own = str\n")
    (tmp_path / "two.py").write_text("class Cell: ...\nKind: type = int\nLIMIT = 2\n_Own = int\nclass Column: ...\n")

    assert defined_twice(tmp_path) == {"Cell": ["one.py", "two.py"], "Kind": ["one.py", "two.py"]}


EMPTY = frozenset(
    [
        "found",
        "said",
        "told",
        "kept",
        "asked",
        "each",
        "known",
        "given",
        "made",
        "seen",
        "here",
        "near",
        "thing",
        "res",
        "tmp",
    ]
)
"""Words that fit any value: a name says what its value is, not that it was found or made (house style)."""


def empty_names(path: Path) -> Iterator[str]:
    """The variables and parameters of a file whose names say nothing, with their lines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.arg) and node.arg in EMPTY:
            yield f"{path.name}:{node.lineno}: {node.arg}"
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in EMPTY:
            yield f"{path.name}:{node.lineno}: {node.id}"


def test_no_variable_has_a_name_that_fits_anything() -> None:
    assert [name for path in sorted(Path(trainer.__file__).parent.rglob("*.py")) for name in empty_names(path)] == []


def test_the_guard_sees_parameters_and_variables(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("def find(given):\n    found = [each for each in given]\n    return found\n")

    assert sorted(empty_names(tmp_path / "one.py")) == ["one.py:1: given", "one.py:2: each", "one.py:2: found"]
