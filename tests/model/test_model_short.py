"""The shortest proof with real weights, for every `make test`; `make model-test` runs the long one."""

from __future__ import annotations

import pytest

from trainer.core.errors import ProviderError
from trainer.providers import Client, Request, complete, create_provider


def test_a_real_model_answers_and_its_cut_is_seen(weights):
    local = create_provider("local", model=str(weights), context=512, threads=2)
    settings = {"temperature": 0, "max_tokens": 3}

    with pytest.raises(ProviderError, match=r"was cut at max_tokens \(3\)") as caught:
        complete(Request("Tell a story.", settings=settings), Client([local]))

    assert caught.value.answer.content.strip()
