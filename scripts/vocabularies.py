"""Pack OpenAI's published vocabularies for `trainer.prompts.tokens`.

    python scripts/vocabularies.py o200k_base.tiktoken cl100k_base.tiktoken

The files are those tiktoken downloads; litellm's wheel carries them too, named by the SHA-1 of their address.
A packed vocabulary is zlib over one length byte for each token, then all tokens, both in order of rank.
"""

from __future__ import annotations

import base64
import hashlib
import sys
import zlib
from pathlib import Path

TARGET = Path(__file__).parent.parent / "src" / "trainer" / "prompts" / "vocabularies"

PUBLISHED = {
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d": "o200k_base",
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7": "cl100k_base",
}
"""SHA-256 of each file as tiktoken's source names it."""


def pack(content: bytes) -> bytes:
    """The packed form of a `.tiktoken` file, whose ranks must follow one another without a gap."""
    pairs = [line.split() for line in content.splitlines() if line]
    tokens = [base64.b64decode(token) for token, _ in sorted(pairs, key=lambda pair: int(pair[1]))]
    if sorted(int(rank) for _, rank in pairs) != list(range(len(tokens))):
        raise ValueError("the ranks have a gap")
    return zlib.compress(bytes(map(len, tokens)) + b"".join(tokens), 9)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        source = Path(argument).read_bytes()
        name = PUBLISHED[hashlib.sha256(source).hexdigest()]
        packed = pack(source)
        (TARGET / f"{name}.zlib").write_bytes(packed)
        print(f"{name}: {len(packed):,} bytes")
