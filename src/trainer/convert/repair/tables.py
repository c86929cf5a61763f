"""Repairs of pipe tables: rows torn apart, delimiter rows gone wrong, cells that would be lost."""

from __future__ import annotations

import re

from trainer.convert.repair.lines import Line, Repair, code_spans, is_escaped, scan

_DASHES = "-–—−=_"
_DELIMITER_LETTERS = frozenset(f"|+: \t{_DASHES}")
_ONE_LINE = re.compile(r"\|(?:[ \t]*:?-{2,}:?[ \t]*\|)+")


def mend_tables(text: str) -> tuple[str, list[Repair]]:
    """The text with its broken tables mended; those that GFM reads whole stay as they are."""
    if "|" not in text:
        return text, []
    lines = scan(text)
    out: list[str] = []
    repairs: list[Repair] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.code or "|" not in line.text:
            out.append(line.text)
            at += 1
            continue
        if not line.table and (rows := _split_one_line(line.text)):
            out += rows
            repairs.append(Repair("table", line.number, "table on one line split into rows"))
            at += 1
            continue
        end, block = _block(lines, at)
        is_whole = all(row.table for row in lines[at:end])
        mended = _mend(block, is_whole=is_whole) if len(block) > 1 else None
        if mended and mended != [row.text for row in lines[at:end]]:
            repairs.append(Repair("table", line.number, "table mended"))
            out += mended
        else:
            out += [row.text for row in lines[at:end]]
        at = end
    return ("\n".join(out), repairs) if repairs else (text, [])


def _split_one_line(line: str) -> list[str] | None:
    match = _ONE_LINE.search(line)
    if match is None or not line[: match.start()].strip() or not line[match.end() :].strip():
        return None
    columns = match[0].count("|") - 1
    head = line[: match.start()].strip()
    if len(cells(head)) != columns or not head.startswith("|"):
        return None
    body = cells(line[match.end() :].strip().strip("|"), keep_empty=True)
    rows: list[str] = []
    row: list[str] = []
    for cell in body:
        if not row and not cell.strip() and len(body) % columns:
            continue
        row.append(cell.strip())
        if len(row) == columns:
            rows.append(f"| {' | '.join(row)} |")
            row = []
    return None if row else [head if head.endswith("|") else f"{head} |", match[0], *rows]


def _block(lines: tuple[Line, ...], start: int) -> tuple[int, list[str]]:
    """Where the rows that start here end, and the rows; single blank lines between rows with pipes are stepped over."""
    rows: list[str] = []
    at = start
    while at < len(lines) and not lines[at].code:
        text = lines[at].text
        if "|" in text or (len(rows) == 1 and _is_grid(text)):
            rows.append(text)
            at += 1
            continue
        following = lines[at + 1] if at + 1 < len(lines) else None
        is_torn = not text.strip() and following and not following.code and following.text.lstrip().startswith("|")
        if not is_torn or not rows[-1].lstrip().startswith("|") or _starts_new_table(lines, at + 1):
            break
        at += 1
    return at, rows


def _starts_new_table(lines: tuple[Line, ...], at: int) -> bool:
    """Whether the row here is the head of a table of its own."""
    after = lines[at + 1].text if at + 1 < len(lines) else ""
    return "|" in after and _is_nearly_delimiter(after) and not _is_nearly_delimiter(lines[at].text)


def _mend(rows: list[str], *, is_whole: bool) -> list[str] | None:
    """The rows as a table that keeps every cell; None where they are no table, or need nothing."""
    delimiter = next((number for number, row in enumerate(rows[:3]) if _is_delimiter(row)), None)
    if delimiter is None:
        return _with_delimiter(rows)
    if delimiter != 1:
        return None
    marks = [_mark(cell) for cell in cells(rows[1].replace("+", "|"))]
    head = cells(rows[0])
    is_proper = _is_proper_delimiter(rows[1]) and len(marks) == len(head)
    if is_proper:
        rows = [*rows[:2], *(_with_escaped_pipes(row, len(head)) for row in rows[2:])]
    else:
        again = [row for row in rows[2:] if not _is_delimiter(row)]
        rows = [*rows[:2], *again] if again else rows
    body = rows[2:]
    width = max([len(head), *(len(cells(row)) for row in body)])
    if is_proper and width == len(head):
        return rows
    if not is_proper and (is_whole or not rows[0].lstrip().startswith("|")):
        return None
    head = _widened(head, width, body)
    marks = (marks + ["---"] * width)[:width]
    return [_row(head), f"| {' | '.join(marks)} |", *(_row(cells(row)) for row in body)]


def _with_escaped_pipes(row: str, width: int) -> str:
    """The row with the pipes in its code escaped, where they are what makes it wider than the head."""
    spans = code_spans(row)
    inside = [at for start, end in spans for at in range(start, end) if row[at] == "|" and not is_escaped(row, at)]
    if not inside or len(cells(row)) <= width:
        return row
    letters = list(row)
    for at in inside:
        letters[at] = "\\|"
    escaped = "".join(letters)
    return escaped if len(cells(escaped)) <= width else row


def _with_delimiter(rows: list[str]) -> list[str] | None:
    """A delimiter row under the first of several equally wide rows that have none."""
    if len(rows) < 3 or not all(row.strip().startswith("|") and row.strip().endswith("|") for row in rows):
        return None
    width = len(cells(rows[0]))
    if width < 2 or any(len(cells(row)) != width for row in rows):
        return None
    return [rows[0], f"|{' --- |' * width}", *rows[1:]]


def _is_proper_delimiter(row: str) -> bool:
    """Whether GFM takes the row for a delimiter: cells of hyphens with a colon at one end or both."""
    return set(row) <= set("|:- \t") and all(re.fullmatch(r":?-+:?", cell) for cell in cells(row))


def _is_nearly_delimiter(row: str) -> bool:
    """Whether the row is made of nothing but bars and dashes of any kind."""
    return bool(row.strip()) and set(row) <= _DELIMITER_LETTERS and ("|" in row or "+" in row)


def _is_grid(row: str) -> bool:
    bare = row.strip()
    return len(bare) > 2 and bare[0] == bare[-1] == "+" and set(bare) <= set("+-=:")


def _is_delimiter(row: str) -> bool:
    if _is_proper_delimiter(row):
        return "|" in row
    if _is_grid(row):
        return True
    return _is_nearly_delimiter(row) and sum(row.count(mark) for mark in f"{_DASHES}:") >= max(1, len(cells(row)))


def _mark(cell: str) -> str:
    if re.fullmatch(r":?-+:?", cell):
        return cell
    left, right = cell.startswith(":"), cell.endswith(":") and len(cell) > 1
    return f"{':' if left and right else ''}---{':' if right else ''}"


def _widened(head: list[str], width: int, body: list[str]) -> list[str]:
    """The head with empty cells for the columns it does not name: before it where rows start with a label."""
    missing = [""] * (width - len(head))
    first = [cells(row)[0] for row in body if len(cells(row)) == width]
    labels = bool(first) and len(first) == len(body) and not any(re.search(r"\d", cell) for cell in first)
    has_figures = any(re.search(r"\d", cell) for cell in head)
    return [*missing, *head] if labels and has_figures else [*head, *missing]


def cells(row: str, *, keep_empty: bool = False) -> list[str]:
    """The cells of a row, as GFM parts them: at every pipe that no backslash stands before."""
    bare = row.strip()
    if not keep_empty:
        bare = bare.removeprefix("|")
        bare = bare[:-1] if bare.endswith("|") and not bare.endswith("\\|") else bare
    pieces: list[str] = []
    for piece in bare.split("|"):
        if pieces and pieces[-1].endswith("\\"):
            pieces[-1] += f"|{piece}"
        else:
            pieces.append(piece)
    return [piece.strip() for piece in pieces]


def _row(values: list[str]) -> str:
    return f"| {' | '.join(values)} |"
