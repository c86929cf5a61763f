"""A model in a GGUF file, run in this process by llama.cpp: no server, no key, no price."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import threading
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from trainer.core.errors import ConfigError, MissingExtra
from trainer.core.values import CompletionResult, Json
from trainer.providers.base import LLMProvider
from trainer.providers.failures import failure
from trainer.providers.openai_format import AnswerParts, body_of
from trainer.providers.prices import FREE
from trainer.providers.request import Request


class LocalProvider(LLMProvider):
    """The model in the GGUF file that `model` names, relative to the project's folder.

    It is loaded by the first call and answers one call at a time. `context` is its window in tokens, `threads` the
    cores it uses (all that this process may use), `gpu_layers` how many layers a GPU takes.
    """

    provider = "local"
    native_schema = True
    stream_usage = True
    price = FREE

    def __init__(
        self,
        *,
        model: str,
        root: str | os.PathLike[str] = ".",
        context: int = 4096,
        threads: int | None = None,
        gpu_layers: int = 0,
        **settings: Json,
    ) -> None:
        self.model = model
        self.settings = settings
        self._path = Path(root) / Path(model).expanduser()
        self._context = context
        self._threads = threads or len(os.sched_getaffinity(0))
        self._gpu_layers = gpu_layers
        self._loading = threading.Lock()
        self._server: Any = None

    @property
    def context_window(self) -> int:
        """As configured."""
        return self._context

    async def send(self, request: Request) -> CompletionResult:
        """The whole answer as llama.cpp gives it."""
        parts = AnswerParts(f"the local model {self._path.name}", self.model)
        async for value in self._answers(request, stream=False):
            parts.take_answer(value)
        return self._named(parts.result(request, self.provider, self.count_tokens))

    async def pieces(self, request: Request) -> AsyncGenerator[str | CompletionResult, None]:
        """The answer's text as it is written, and the whole at the end."""
        parts = AnswerParts(f"the local model {self._path.name}", self.model)
        async for value in self._answers(request, stream=True):
            if piece := parts.take_event(value):
                yield piece
        yield self._named(parts.result(request, self.provider, self.count_tokens))

    async def _answers(self, request: Request, *, stream: bool) -> AsyncGenerator[bytes, None]:
        """What llama.cpp says to the request, value by value, written on a thread."""
        running, values = asyncio.get_running_loop(), asyncio.Queue[bytes | None]()
        body = json.loads(body_of(request, self.settings, stream=stream))
        is_over = threading.Event()

        def take(value: Json) -> bool:
            running.call_soon_threadsafe(values.put_nowait, json.dumps(value).encode())
            return is_over.is_set()

        def write() -> None:
            try:
                self._loaded().handle_chat_completions(body, take)
            finally:
                running.call_soon_threadsafe(values.put_nowait, None)

        writing = asyncio.ensure_future(asyncio.to_thread(write))
        try:
            async with asyncio.timeout(request.timeout):
                while (value := await values.get()) is not None:
                    yield value
                await writing
        except TimeoutError as error:
            name = self._path.name
            raise failure("timed_out", f"{name} gave no whole answer in {request.timeout:g} s") from error
        finally:
            is_over.set()

    def _loaded(self) -> Any:
        try:
            import xllamacpp
        except ModuleNotFoundError as error:
            raise MissingExtra("xllamacpp", "local") from error
        with self._loading:
            if self._server is not None:
                return self._server
            if not self._path.is_file():
                raise ConfigError(
                    f"there is no model file {self._path}", hint="set llm_provider.model to the path of a .gguf file"
                )
            parameters = xllamacpp.CommonParams()
            parameters.model.path = str(self._path)
            parameters.n_ctx = self._context
            parameters.n_parallel = 1
            parameters.n_gpu_layers = self._gpu_layers
            parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = self._threads
            parameters.warmup = False
            parameters.verbosity = -1
            try:
                self._server = xllamacpp.Server(parameters)
            except (RuntimeError, ValueError) as error:
                raise ConfigError(f"{self._path} cannot be loaded: {error}") from error
            return self._server

    def _named(self, result: CompletionResult) -> CompletionResult:
        """The result under the name that was asked for; llama.cpp calls it by its whole path."""
        return dataclasses.replace(result, model=self.model)
