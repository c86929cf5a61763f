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
