import doctest
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.core import bm25
from trainer.core.bm25 import rank, words

PASSAGES = [
    "Phase 3 trials compare a new medicine with the standard of care in many patients.",
    "Revenue is what customers paid; margins tell how much of it stays.",
    "A phase 1 trial looks for a safe dose in a few volunteers.",
    "The pipeline lists every candidate with its phase.",
]


def test_the_docstrings_tell_the_truth():
    assert doctest.testmod(bm25) == (0, 2)


def test_the_passage_with_the_rare_words_comes_first():
    ranked = rank("how large are margins on revenue", PASSAGES)

    assert ranked[0][0] == 1


def test_a_short_passage_beats_a_long_one_with_the_same_words():
    long = "phase " + "filler " * 50

    assert [index for index, _ in rank("phase", [long, "phase three"])] == [1, 0]


def test_passages_without_a_shared_word_keep_their_order_and_score_nothing():
    assert rank("xylophone", PASSAGES) == [(0, 0.0), (1, 0.0), (2, 0.0), (3, 0.0)]


def test_nothing_to_rank_is_no_error():
    assert rank("phase", []) == []
    assert rank("", ["a", ""]) == [(0, 0.0), (1, 0.0)]


def test_case_accents_and_widths_are_folded():
    assert words("ÉLAN élan ｅlan") == ["elan"] * 3


def test_unspaced_scripts_match_by_pairs_of_letters():
    assert rank("試験", ["収益は増えた", "臨床試験の結果"])[0][0] == 1


@settings(deadline=None)
@given(st.text(), st.lists(st.text(max_size=40), max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_the_passages_never_changes_a_score(query, passages, shuffler: random.Random):
    order = list(range(len(passages)))
    shuffler.shuffle(order)
    expected = dict(rank(query, passages))

    shuffled = dict(rank(query, [passages[index] for index in order]))

    assert {order[index]: score for index, score in shuffled.items()} == expected
