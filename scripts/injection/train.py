"""Train the classifier of injected instructions and write its weights.

Usage: python scripts/injection/train.py OUT TEXTS.jsonl...

TEXTS hold one object a line: `text`, `label` (1 is an attack) and `kind`. The sentences of `attacks.txt` and
`lookalikes.txt` beside this file are added. Needs scikit-learn, which is no dependency of the package; the same input
gives the same bytes. A fifth of the texts, by digest, is kept from training: the probability is calibrated on it, and
what it says of each kind is printed.
"""

from __future__ import annotations

import collections
import functools
import hashlib
import json
import math
import random
import re
import sys
from itertools import accumulate
from pathlib import Path

import numpy
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from trainer.security.classifier import BITS, WINDOWS, best_window, letter_buckets, run_bucket, tokens, word_parts

SIZE = 1 << BITS
ROUNDS = 3
"""Training on the windows that the last round found most suspicious."""
STRENGTH = 20.0
"""The inverse of the regularisation, chosen on the calibration part."""
_CHOICE = r"\{([^{}]*\|[^{}]*)\}"
CHOICES = 24
"""Sentences made of one line of the files beside this one."""


def main(out: str, *paths: str) -> None:
    """Read, train in rounds, calibrate, write."""
    rows = [json.loads(line) for path in paths for line in Path(path).read_text(encoding="utf-8").splitlines()]
    here = Path(__file__).parent
    rows += [{"text": text, "label": 1, "kind": kind} for kind, text in made(here / "attacks.txt")]
    rows += [{"text": text, "label": 0, "kind": f"alike {kind}"} for kind, text in made(here / "lookalikes.txt")]
    rows += spliced(rows, random.Random(5))
    kept = [row for row in rows if digest(row["text"]) % 5 == 0]
    used = [row for row in rows if digest(row["text"]) % 5]
    print(len(used), "texts to train on,", len(kept), "kept")
    words = {row["text"]: tokens(row["text"])[:4000] for row in rows}
    spans = [start_spans(len(words[row["text"]])) for row in used]
    weights, bias = numpy.zeros(2 * SIZE), 0.0
    for number in range(ROUNDS):
        chosen = [(row, span) for row, row_spans in zip(used, spans, strict=True) for span in row_spans]
        weights, bias = fitted([words[row["text"]][a:b] for row, (a, b) in chosen], [row["label"] for row, _ in chosen])
        print("round", number, len(chosen), "windows")
        if number + 1 < ROUNDS:
            values = weights.tolist()
            spans = [worst_spans(words[row["text"]], values, row["label"], random.Random(number)) for row in used]
    scale = 127 / numpy.quantile(numpy.abs(weights[weights != 0]), 0.9995)
    whole = numpy.clip(numpy.rint(weights * scale), -127, 127).astype(numpy.int8)
    values = whole.tolist()
    scores = numpy.array([score(words[row["text"]], values) / scale + bias for row in kept])
    labels = numpy.array([row["label"] for row in kept])
    calibration = LogisticRegression(C=1e6).fit(scores[:, None], labels)
    slope, shift = float(calibration.coef_[0][0]), float(calibration.intercept_[0])
    header = {"bias": bias, "scale": float(scale), "slope": slope, "shift": shift}
    header = {name: round(value, 9) for name, value in header.items()}
    Path(out).write_bytes(json.dumps(header, sort_keys=True).encode() + b"\n" + whole.tobytes())
    told(kept, 1 / (1 + numpy.exp(-(slope * scores + shift))))


def made(path: Path) -> list[tuple[str, str]]:
    """Kind and text of the sentences that a file's lines stand for."""
    kind, texts = "", []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            kind = line[3:]
        elif line and not line.startswith("#"):
            chance = random.Random(line)
            ways = math.prod(group.count("|") + 1 for group in re.findall(_CHOICE, line))
            sentences = {one_way(line, chance) for _ in range(min(CHOICES, ways))}
            texts += [(kind, re.sub("  +", " ", sentence).strip()) for sentence in sorted(sentences)]
    return texts


def one_way(line: str, chance: random.Random) -> str:
    """One of the sentences that a line stands for."""
    return re.sub(_CHOICE, lambda group: chance.choice(group[1].split("|")), line).replace("\\n", "\n")


def spliced(rows: list[dict], chance: random.Random) -> list[dict]:
    """Attacks between passages of harmless documents, as they stand in a web page, a mail or a tool's answer."""
    hosts = [row["text"] for row in rows if row["label"] == 0 and len(row["text"]) > 400]
    attacks = [row for row in rows if row["label"] == 1 and len(row["text"]) < 500]
    texts = []
    for row in chance.sample(attacks, len(attacks) // 3):
        host = chance.choice(hosts)
        cut = chance.randrange(100, 300)
        glue = chance.choice([" ", "\n", "\n\n", " -- ", "\n# ", ' "'])
        text = f"{host[cut - 100 : cut]}{glue}{row['text']}{glue}{host[cut : cut + 100]}"
        texts.append({"text": text, "label": 1, "kind": "spliced"})
    return texts


def digest(text: str) -> int:
    """A number that is the same for the same text everywhere."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


def start_spans(count: int) -> list[tuple[int, int]]:
    """The windows of the first round: the whole of a short text, the beginning of a long one."""
    return [(0, min(count, WINDOWS[-1]))] if count else []


def worst_spans(words: list[str], weights: list[float], label: int, chance: random.Random) -> list[tuple[int, int]]:
    """The most suspicious window of each length; of a harmless text some others too."""
    sums = running(words, weights)
    spans = set()
    for size in WINDOWS:
        _, first, last = best_window(sums, (size,))
        spans.add((first, last))
        if not label and len(words) > size:
            first = chance.randrange(len(words) - size)
            spans.add((first, first + size))
    return sorted(spans)


def running(words: list[str], values: list[float]) -> list[float]:
    """The running sums of the words' parts."""
    cache: dict[str, float] = {}

    def word(text: str) -> float:
        if text not in cache:
            cache[text] = sum(values[bucket] for bucket in letter_buckets(text))
        return cache[text]

    return [0.0, *accumulate(word_parts(words, word, lambda code: values[SIZE + run_bucket(code)]))]


def score(words: list[str], weights: list[float]) -> float:
    """The score of the most suspicious window."""
    return best_window(running(words, weights))[0] if words else -10.0


letters = functools.cache(letter_buckets)


def features(words: list[str]) -> list[int]:
    """The buckets of a window's letters and runs of words."""
    buckets: list[int] = []

    def word(text: str) -> int:
        buckets.extend(letters(text))
        return 0

    def run(code: int) -> int:
        buckets.append(SIZE + run_bucket(code))
        return 0

    word_parts(words, word, run)
    return buckets


def fitted(windows: list[list[str]], labels: list[int]) -> tuple[numpy.ndarray, float]:
    """Weights and bias of the logistic regression that tells the windows apart, both labels weighing the same."""
    pointers, columns, values = [0], [], []
    for words in windows:
        counts = collections.Counter(features(words))
        root = math.sqrt(len(words))
        columns += counts.keys()
        values += [count / root for count in counts.values()]
        pointers.append(len(columns))
    matrix = csr_matrix((values, columns, pointers), shape=(len(windows), 2 * SIZE))
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=300).fit(matrix, labels)
    return model.coef_[0], float(model.intercept_[0])


def told(rows: list[dict], chances: numpy.ndarray) -> None:
    """Print what share of each kind is above some probabilities."""
    kinds = collections.defaultdict(list)
    for row, chance in zip(rows, chances, strict=True):
        kinds[row["label"], row["kind"]].append(chance)
    for (label, kind), values in sorted(kinds.items()):
        shares = " ".join(f"{numpy.mean(numpy.array(values) > cut):6.3f}" for cut in (0.5, 0.8, 0.9, 0.95, 0.98))
        print(f"{label} {kind:28} {len(values):5} {shares}")


if __name__ == "__main__":
    main(*sys.argv[1:])
