"""Wide and long tables: up to 40 columns, long words, figures, Chinese, right to left, emoji."""

from __future__ import annotations

import random
import re

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def word(random: random.Random, length: int) -> str:
    return "".join(random.choice(LETTERS) for _ in range(length))


def figures(columns: int, rows: int, seed: int, digits: int = 9) -> str:
    chance = random.Random(seed)
    head = ["Company", *(f"Y{1990 + at}" for at in range(columns - 1))]
    body = [[f"Firm{row}", *(f"{chance.randrange(10**digits):,}" for _ in head[1:])] for row in range(rows)]
    return table(head, body)


def texts(columns: int, rows: int, seed: int, longest: int = 12) -> str:
    chance = random.Random(seed)
    head = [word(chance, chance.randint(3, longest)) for _ in range(columns)]
    body = [
        [" ".join(word(chance, chance.randint(2, longest)) for _ in range(chance.randint(1, 6))) for _ in head]
        for _ in range(rows)
    ]
    return table(head, body)


def cells(columns: int, content: list[str]) -> str:
    return table([f"C{at}" for at in range(columns)], [(content * columns)[:columns] for _ in range(3)])


def table(head: list[str], body: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


TABLES = {
    **{f"{count} columns of figures": figures(count, 6, count) for count in (2, 5, 8, 10, 12, 14, 16, 20, 30, 40)},
    **{f"{count} columns of words": texts(count, 5, count) for count in (2, 4, 6, 8, 10, 12, 16, 24, 32, 40)},
    "large figures": figures(8, 5, 1, digits=15),
    "enormous figures": figures(6, 5, 2, digits=24),
    "80 rows": figures(6, 80, 3),
    "300 rows of words": texts(4, 300, 4),
    "a long word": table(["Key", "Value"], [["digest", "a" * 150], ["short", "b"]]),
    "long words side by side": table(["One", "Two", "Three"], [["x" * 90, "y" * 90, "z" * 90]]),
    "addresses": table(["Name", "Link"], [["Filing", "https://www.sec.gov/Archives/edgar/data/1551152/" + "0" * 60]]),
    "a long cell": table(["Topic", "Text"], [["Risk", " ".join(word(random.Random(at), 7) for at in range(900))]]),
    "a long first column": table(["Measure", *"ABCDEFGH"], [[" ".join(["measure"] * 9), *["1,234,567"] * 8]] * 4),
    "long heads": table(["Company", *(["Enterprise-value-to-earnings"] * 9)], [["Acme", *["12.5"] * 9]] * 3),
    "Chinese": cells(8, ["収益は前年比で増加", "营业收入", "123,456"]),
    "much Chinese": cells(20, ["収益は前年比で増加しました"]),
    "right to left": cells(6, ["إجمالي الإيرادات", "הכנסות"]),
    "emoji": cells(10, ["🚀 up", "📉 down", "12.5"]),
    "negative figures": table(["Year", *["Change"] * 12], [["2024", *["−1,234,567.89"] * 12]] * 3),
    "percentages": table(["Year", *[f"M{at}" for at in range(24)]], [["2024", *["+12.34 %"] * 24]] * 3),
    "empty cells": table(["A", *[""] * 11, "Z"], [["1", *[""] * 11, "2"]] * 3),
    "one column": table(["Only"], [[word(random.Random(at), 30)] for at in range(5)]),
    "currency": table(["Firm", *["Market cap"] * 9], [["Acme", *["$340,123,456,789"] * 9]] * 3),
    "dates": table(["Drug", *["Phase"] * 14], [["ABBV-951", *["2025-02-14"] * 14]] * 3),
    "code": table(["Name", *["Code"] * 7], [["a", *["`some_function_name`"] * 7]] * 3),
    "bold figures": table(["Name", *["**Total**"] * 11], [["a", *["**1,234,567,890**"] * 11]] * 3),
}  # fmt: skip


def expected(markdown: str) -> list[str]:
    rows = [line.strip("| \n").split(" | ") for line in markdown.strip().split("\n")]
    plain = [re.sub(r"[`*]", "", cell) for row in [rows[0], *rows[2:]] for cell in row]
    return [piece for cell in plain for piece in cell.split()]


def is_bidirectional(piece: str) -> bool:
    return any("\u0590" <= letter <= "\u06ff" for letter in piece)
