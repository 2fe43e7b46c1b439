"""Commands as a person gives them, carried out in this process: a start of Python costs more than most of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess
from unittest import mock

from localnode.cli.main import main as localnode_main
from stack.__main__ import main as stack_main
from tests.support.processes import ROOT


def localnode(*words: str, stdin: str = "", cwd: Path = ROOT) -> CompletedProcess[str]:
    """What `python -m localnode WORDS` does in `cwd`: its exit code and all that it prints."""
    return _done(localnode_main, words, stdin, cwd)


def stack(*words: str) -> CompletedProcess[str]:
    """What `python -m stack WORDS` does: its exit code and all that it prints."""
    return _done(stack_main, words, "", ROOT)


def _done(
    main: Callable[[tuple[str, ...]], int], words: tuple[str, ...], stdin: str, cwd: Path
) -> CompletedProcess[str]:
    buffer = io.BytesIO()
    out, err = io.TextIOWrapper(buffer, encoding="utf-8", write_through=True), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), mock.patch("sys.stdin", io.StringIO(stdin)), chdir(cwd):
        code = main(words)
    return CompletedProcess(words, code, buffer.getvalue().decode(), err.getvalue())
