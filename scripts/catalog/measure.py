"""How often the matched table is right: `python -m scripts.catalog.measure SAMPLES --half tune|held` on labelled files.

SAMPLES is a file of JSON Lines, `{"table": NAME, "file": PATH}` or `{"table": NAME, "name": FILE, "text": TEXT}`. Which
half a sample is in depends on its content alone, so that nothing tuned on one half has been seen in the other.
`--pairs` prints `[probability, right]` a line, for `scripts.catalog.train --calibrate`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trainer.actions.ingest_catalog import signals_of
from trainer.catalog.definition import read_definitions
from trainer.catalog.matching import match_table, score_tables, softmax
from trainer.catalog.values import Signals
from trainer.ingest import extract_file

BANDS = (0.0, 0.5, 0.7, 0.8, 0.9, 1.01)


def read_samples(path: Path, half: str) -> Iterator[tuple[str, Signals]]:
    """The samples of one half, as the catalogue sees them."""
    for line in path.read_text(encoding="utf-8").splitlines():
        sample: Mapping[str, Any] = json.loads(line)
        content = Path(sample["file"]).read_bytes() if "file" in sample else sample["text"].encode()
        if half != "all" and (zlib.crc32(content) % 2 == 0) != (half == "tune"):
            continue
        if "file" in sample:
            source = Path(sample["file"])
            extract = extract_file(source, "/".join(source.parts[-2:]), tables=Path(tempfile.gettempdir()))
            yield sample["table"], signals_of(extract)
        else:
            yield sample["table"], Signals(sample["name"], "text/markdown", "", sample["text"])


def main() -> None:
    """Print the reliability table, or pairs for the calibration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", type=Path)
    parser.add_argument("--half", choices=["tune", "held", "all"], default="tune")
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--wrong", action="store_true", help="print each wrong match")
    chosen = parser.parse_args()
    definitions = read_definitions()
    results: list[tuple[float, bool]] = []
    for table, signals in read_samples(chosen.samples, chosen.half):
        match = match_table(definitions, signals)
        right = match.table == table
        results.append((match.confidence, right))
        if chosen.pairs:
            print(json.dumps([max(softmax(score_tables(definitions, signals)[0]).values()), right]))
        elif chosen.wrong and not right:
            print(f"{table} -> {match.table} {match.confidence:.2f} {signals.file_name}: {match.reason[:120]}")
    if chosen.pairs:
        return
    print(f"{len(results)} files, {sum(right for _, right in results) / len(results):.1%} right")
    for low, high in itertools.pairwise(BANDS):
        band = [right for confidence, right in results if low <= confidence < high]
        if band:
            print(f"said {low:.1f} to {min(high, 1.0):.1f}: {len(band)} files, {sum(band) / len(band):.1%} right")


if __name__ == "__main__":
    main()
