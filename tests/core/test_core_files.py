import os
import resource
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from trainer.core.errors import TrainerError, UsageError
from trainer.core.files import read_text, write_atomic


def test_a_file_is_written_and_an_equal_one_left_untouched(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.md"

    assert write_atomic(path, "one\n") is True
    before = path.stat()
    assert write_atomic(path, b"one\n") is False

    assert path.stat() == before
    assert path.read_bytes() == b"one\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["b.md"]


def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", "x")
    (tmp_path / "b").write_text("x")

    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_a_full_disk_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    path.write_text("old")
    script = textwrap.dedent(
        f"""
        import resource, signal, sys
        from pathlib import Path
        sys.dont_write_bytecode = True  # Python leaves half of a .pyc where the limit cuts it
        from trainer.core.errors import TrainerError
        from trainer.core.files import write_atomic
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_atomic(Path({str(path)!r}), "x" * 5000)
        except TrainerError as error:
            print(error)
        """
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.startswith(f"{path}: cannot write: File too large\n  free some space")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.md"]


def test_a_kill_at_any_moment_leaves_the_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    script = textwrap.dedent(
        f"""
        from pathlib import Path
        from trainer.core.files import write_atomic
        for round in range(1_000_000):
            write_atomic(Path({str(path)!r}), str(round % 10) * 200_000)
        """
    )
    for wait in (0.15, 0.2, 0.25):
        process = subprocess.Popen([sys.executable, "-c", script])
        try:
            process.wait(timeout=wait)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        if path.exists():
            content = path.read_text()
            assert content == content[0] * 200_000


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(TrainerError, match="cannot write: Permission denied"):
        write_atomic(tmp_path / "x", "x")


def test_text_is_read_with_lf_and_without_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree\n")

    assert read_text(path) == "one\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "x.md: there is no such file"), (b"ab\ncd\xff", r"x.md:2:3: not UTF-8 text \(byte 0xff\)")],
)
def test_a_file_that_cannot_be_read_as_text_is_told(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "x.md"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UsageError, match=message):
        read_text(path, shown="x.md")


def test_the_limit_of_this_process_is_untouched() -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
