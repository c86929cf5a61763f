"""Token counts against OpenAI's own tokeniser."""

import base64
import importlib.util
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.core.values import Message, Prompt, PromptSection
from trainer.prompts.tokens import count_messages, count_sections, count_tokens, encoding_of, is_exact

ROOT = Path(__file__).parent.parent.parent
FILES = {
    "o200k_base": "fb374d419588a4632f3f557e76b4b70aebbca790",
    "cl100k_base": "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
}
MODELS = {"o200k_base": "gpt-4o", "cl100k_base": "gpt-4"}


@cache
def tiktoken(encoding: str):
    """The real encoding, from the files LiteLLM's wheel carries; nothing is fetched."""
    module = pytest.importorskip("tiktoken")
    litellm = importlib.util.find_spec("litellm")
    if litellm is None or litellm.origin is None:
        pytest.skip("litellm is not installed, and with it the vocabularies to compare with")
    file = Path(litellm.origin).parent / "litellm_core_utils" / "tokenizers" / FILES[encoding]
    if not file.exists():
        pytest.skip("this litellm does not carry the vocabularies to compare with")
    from tiktoken_ext import openai_public

    ranks = {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, file.read_bytes().splitlines())}
    original = openai_public.load_tiktoken_bpe
    openai_public.load_tiktoken_bpe = lambda *_, **__: ranks
    try:
        return module.Encoding(**getattr(openai_public, encoding)())
    finally:
        openai_public.load_tiktoken_bpe = original


def texts() -> list[Path]:
    found = [*ROOT.glob("*.md"), *ROOT.glob("information/**/*.md"), *ROOT.glob("src/trainer/**/*.py")]
    return sorted([*found, *ROOT.glob("information/data/*.json")])


@pytest.mark.parametrize("encoding", FILES)
def test_every_text_of_the_repository_is_counted_exactly(encoding):
    real = tiktoken(encoding)
    wrong = [
        file.name
        for file in texts()
        if count_tokens(text := file.read_text("utf-8"), MODELS[encoding]) != len(real.encode_ordinary(text))
    ]

    assert wrong == []


LETTERS = st.characters(codec="utf-8", categories=["L", "M", "N", "P", "S", "Z"], max_codepoint=0x2FFF)


@pytest.mark.parametrize("encoding", FILES)
@settings(deadline=None)
@given(text=st.text(st.one_of(LETTERS, st.sampled_from(" \n\t\r'stSTreREvevellLLdD019./{}<|>🙂é中文")), max_size=60))
def test_any_text_is_counted_exactly(encoding, text):
    assert count_tokens(text, MODELS[encoding]) == len(tiktoken(encoding).encode_ordinary(text))


@pytest.mark.parametrize(
    ("text", "model", "tokens"),
    [
        ("", "gpt-4o", 0),
        ("Net income rose to 4.3 billion.", "gpt-4o", 10),
        ("hello world", "gpt-4", 2),
        ("a" * 1000, "gpt-4o", 125),
        ("<|endoftext|>", "gpt-4o", 7),
        ("臨床試験の結果", "gpt-4o", 7),
    ],
)
def test_known_counts(text, model, tokens):
    assert count_tokens(text, model) == tokens


@pytest.mark.parametrize(
    ("model", "encoding", "exact"),
    [
        ("gpt-4o-mini", "o200k_base", True),
        ("openai/gpt-4o", "o200k_base", True),
        ("azure/gpt-4.1", "o200k_base", True),
        ("gpt-5", "o200k_base", True),
        ("o3-mini", "o200k_base", True),
        ("gpt-4", "cl100k_base", True),
        ("openai/gpt-4-turbo", "cl100k_base", True),
        ("gpt-3.5-turbo-0125", "cl100k_base", True),
        ("anthropic/claude-sonnet-4", "o200k_base", False),
        ("ollama/llama3", "o200k_base", False),
        ("", "o200k_base", False),
    ],
)
def test_a_model_has_its_encoding(model, encoding, exact):
    assert (encoding_of(model), is_exact(model)) == (encoding, exact)


def test_every_model_tiktoken_knows_has_the_encoding_tiktoken_gives_it():
    names = pytest.importorskip("tiktoken.model")
    known = {**names.MODEL_TO_ENCODING, **names.MODEL_PREFIX_TO_ENCODING}
    chats = {name: value.replace("harmony", "base") for name, value in known.items() if value[:4] in ("o200", "cl10")}

    assert {name: encoding_of(name) for name in chats} == chats
    assert {name for name in known if is_exact(name)} <= set(chats)
    assert {name for name in chats if not is_exact(name)} == set()
    assert encoding_of("azure/gpt-35-turbo-16k") == "cl100k_base"


def test_a_long_run_of_one_letter_is_counted_without_quadratic_work():
    assert count_tokens("x" * 200_000, "gpt-4o") == 25_000


def test_a_chat_is_counted_with_its_marks():
    messages = [Message("system", "Be brief."), Message("user", "Hello")]

    assert count_messages(messages, "gpt-4o") == 3 + (3 + 1 + 3) + (3 + 1 + 1)


def test_sections_are_counted_one_by_one():
    prompt = Prompt(
        "i",
        "t",
        "Hello world",
        sections=(PromptSection("context", "c.md", "Hello"), PromptSection("data", "q", " world")),
    )

    assert count_sections(prompt) == [("context", "c.md", 1), ("data", "q", 1)]


def test_counting_imports_neither_tiktoken_nor_litellm_nor_regex():
    script = (
        "import sys; from trainer.prompts import count_tokens; count_tokens('x é 1')\n"
        "print([name for name in ('tiktoken', 'litellm', 'regex', 'tokenizers', 'socket') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
