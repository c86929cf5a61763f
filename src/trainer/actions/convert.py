"""Convert documents: many inputs on all cores, each output whole and untouched where it would not change."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.actions.contextual import plan_processes
from trainer.actions.record import Recorder
from trainer.convert import Options, PdfPool, convert, load_theme
from trainer.core.digest import pick
from trainer.core.errors import Problem, TrainerError, UsageError, Where
from trainer.core.files import write_atomic
from trainer.core.formats import find_output_format, format_of_suffix
from trainer.core.project import Project
from trainer.core.values import Finding
from trainer.providers import check_schema

if TYPE_CHECKING:
    from trainer.sources import Choice

_FEWEST_FOR_PROCESSES = 8
_SECONDS_BETWEEN_LOOKS = 0.5


@dataclass(frozen=True, slots=True)
class Job:
    """One input and where its output goes."""

    shown: str
    content: bytes
    output: Path | None
    """None for the standard output."""
    folder: Path


@dataclass(frozen=True, slots=True)
class Made:
    """What became of one input."""

    input: str
    output: str | None
    changed: bool = False
    """Whether the file was written; False where it held the same content already."""
    findings: tuple[Finding, ...] = ()
    error: Problem | None = None
    content: str | bytes | None = None
    """Where it goes to the standard output."""

    def as_json(self) -> dict[str, object]:
        """The input's object in `trainer convert --json`; `content` is text, and `error` there only where one is."""
        findings = [{**finding.as_json(), "where": str(finding.where or "")} for finding in self.findings]
        text = {"content": self.content} if isinstance(self.content, str) else {}
        error = {"error": str(self.error)} if self.error else {}
        return {**pick(self, "input", "output", "changed"), "findings": findings, **text, **error}


def convert_files(
    inputs: Sequence[str],
    *,
    project: Project | None,
    stdin: Callable[[], bytes],
    source: str = "auto",
    target: str | None = None,
    output: Path | None = None,
    template: Path | None = None,
    css: Path | None = None,
    schema: Mapping[str, Any] | None = None,
    fragment: bool = False,
    strict: bool = False,
    done: Callable[[Made], None] = lambda _: None,
    on_plan: Callable[[Choice], None] = lambda _: None,
) -> list[Made]:
    """What became of each input, in their order; raises the first error where all failed.

    With `strict` a warning is an error and its output is not written. `on_plan` is told how many are converted at once,
    and why.
    """
    if schema is not None:
        check_schema(schema)
    if output == Path("-"):
        if len(inputs) > 1:
            raise UsageError("- takes the output of one input only", hint="name a folder with -o")
        output = None
    target = _target(target, output)
    jobs = [_job(name, stdin, target, output, many=len(inputs) > 1) for name in inputs]
    _refuse_collisions(jobs)
    options = Options(
        theme=_theme(project, template, css), fragment=fragment, schema=schema, assets=project.root if project else None
    )
    results: dict[int, Made] = {}
    with Recorder(project, "convert", context={"files": len(inputs), "target": target}):
        workers = plan_processes(project, len(jobs)) if _is_shared(jobs, target) else None
        if workers is not None:
            on_plan(workers)
        for number, result in _run(jobs, source, target, options, workers=(workers and workers.value) or 1):
            results[number] = _written(jobs[number], result, strict=strict)
            done(results[number])
    return [results[number] for number in sorted(results)]


def _target(target: str | None, output: Path | None) -> str:
    by_name = format_of_suffix(output.suffix) if output and target is None else None
    return find_output_format(target or (by_name.name if by_name else "html")).name


def _job(name: str, stdin: Callable[[], bytes], target: str, output: Path | None, *, many: bool) -> Job:
    if name == "-":
        if many and output is None:
            raise UsageError("- is one input among many, and has no place of its own", hint="name a folder with -o")
        return Job(
            "-", stdin(), output / f"stdin{_ending(target)}" if output and _is_folder(output, many) else output, Path()
        )
    path = Path(name)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UsageError("there is no such file", where=Where(name)) from None
    except OSError as error:
        raise UsageError(f"cannot read: {error.strerror or error}", where=Where(name)) from error
    beside = path.with_suffix(_ending(target))
    if output is None:
        place = beside if many else None
    else:
        place = output / beside.name if _is_folder(output, many) else output
    if place is not None and place.resolve() == path.resolve():
        raise UsageError("the output would replace its input", where=Where(name), hint="name another place with -o")
    return Job(name, content, place, path.parent)


def _is_folder(output: Path, many: bool) -> bool:
    return many or output.is_dir() or str(output).endswith(os.sep)


def _ending(target: str) -> str:
    return find_output_format(target).suffix


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    sources: dict[Path, str] = {}
    for job in jobs:
        if job.output is None:
            continue
        if first := sources.get(job.output):
            raise UsageError(f"{first} and {job.shown} would both become {job.output}", hint="convert them apart")
        sources[job.output] = job.shown


def _theme(project: Project | None, template: Path | None, css: Path | None) -> Any:
    for path in (template, css):
        if path is not None and not path.is_file():
            raise UsageError("there is no such file", where=Where(str(path)))
    if project is None:
        return load_theme(template=template, styles=[css] if css else [])
    section = project.settings.format_converter
    default = project.inside(section.default_template, what="the template") if section.default_template else None
    added = project.inside(section.default_css, what="the stylesheet") if section.default_css else None
    return load_theme(
        templates=project.information / "templates",
        css=project.information / "css",
        template=template or default,
        styles=[path for path in (added, css) if path],
        page_size=section.page_size,
    )


def _is_shared(jobs: Sequence[Job], target: str) -> bool:
    """Whether there is enough to do for more than one process."""
    return len(jobs) >= (2 if target == "pdf" else _FEWEST_FOR_PROCESSES)


def _run(jobs: Sequence[Job], source: str, target: str, options: Options, *, workers: int) -> Iterator[tuple[int, Any]]:
    """Number and result of each job as it is done: alone, in threads before PDF workers, or in processes."""
    with ExitStack() as stack:
        if target == "pdf":
            pool = stack.enter_context(PdfPool(workers=workers))
            pool.start()
            options = replace(options, pool=pool)
        if not _is_shared(jobs, target):
            yield from ((number, _converted(job, source, target, options)) for number, job in enumerate(jobs))
            return
        executor: Executor
        if target == "pdf":
            executor = ThreadPoolExecutor(workers)
        else:
            context, parent = get_context("spawn"), os.getpid()
            executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_serve, initargs=(parent,))
        futures: dict[Future[Any], int] = {
            executor.submit(_converted, job, source, target, options): number for number, job in enumerate(jobs)
        }
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            _kill(executor)
            raise
        executor.shutdown()


def _serve(parent: int) -> None:
    """In a worker process: leave interruptions to the parent, and end with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _kill(executor: Executor) -> None:
    """End a pool in the middle of its work; threads that wait for PDF workers end with those, which are closed next."""
    processes = list(executor._processes.values()) if isinstance(executor, ProcessPoolExecutor) else []
    executor.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()


def _converted(job: Job, source: str, target: str, options: Options) -> Any:
    """What the converter made, or the problem it had."""
    options = replace(options, assets=options.assets or job.folder, folder=job.folder)
    try:
        return convert(job.content, source=source, target=target, shown=job.shown, options=options)
    except UsageError:
        raise
    except TrainerError as error:
        return error.problems[0]
    except RecursionError:
        return Problem("it is nested too deeply", Where(job.shown))


def _written(job: Job, result: Any, *, strict: bool) -> Made:
    if isinstance(result, Problem):
        return Made(job.shown, None, error=result)
    faults = [finding for finding in result.findings if strict and finding.severity != "note"]
    if faults:
        first = faults[0]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        problem = Problem(f"{first.message}{more}", first.where, first.hint or "convert without --strict to accept it")
        return Made(job.shown, None, findings=result.findings, error=problem)
    if job.output is None:
        return Made(job.shown, None, findings=result.findings, content=result.content)
    changed = write_atomic(job.output, result.content)
    return Made(job.shown, str(job.output), changed=changed, findings=result.findings)
