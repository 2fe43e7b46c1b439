"""Commands for people who work in a shell: output, messages, exit codes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from localnode.cli.main import main
from tests.support.plain import PLAIN

PIPE = {
    "_id": "a",
    "type": "pipe",
    "source": {"type": "dataset", "dataset": "x"},
    "transform": {
        "type": "dtl",
        "rules": {
            "default": [
                ["copy", "*"],
                ["if", ["eq", "_S.x", 1], [["fail!", "no ones"]]],
                [
                    "add",
                    "v",
                    ["hops", {"datasets": ["h h"], "where": ["eq", "_S.k", "h._id"], "return": "h.v"}],
                ],
            ]
        },
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pipes").mkdir()
    (tmp_path / "pipes" / "a.conf.json").write_text(json.dumps(PIPE))
    (tmp_path / "node-metadata.conf.json").write_text(json.dumps(PLAIN))
    (tmp_path / "h.json").write_text('[{"_id": "k", "v": 5}]')
    return tmp_path


@pytest.fixture
def transform(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """`transform(standard input, *options)` → (exit code, standard output, standard error)."""

    def run(text: str, *options: str, pipe: str = "a") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        code = main(["transform", pipe, "--config", str(folder), *options])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_what_a_pipe_would_make_of_an_entity(transform: Any, folder: Path) -> None:
    code, out, _ = transform(
        '{"_id": "1", "k": "k", "n": 123456789012345678901234}', "--dataset", f"h={folder}/h.json"
    )
    assert code == 0
    assert json.loads(out) == [{"_id": "1", "k": "k", "n": 123456789012345678901234, "v": [5]}]


@pytest.mark.parametrize(
    ("text", "options", "pipe", "code", "message"),
    [
        ('[{"_id": "1", "x": 1}]', [], "a", 1, "no ones (entity '1'"),
        ('{"_id": "1"}', [], "nosuch", 1, 'there is no pipe "nosuch"'),
        ("{", [], "a", 2, "standard input is not JSON"),
        ('{"x": 1}', [], "a", 2, "standard input: item 0 is not an entity"),
        ("[5]", [], "a", 2, "item 0 is not an entity"),
        ('{"_id": "1"}', ["--dataset", "h"], "a", 2, "ID=FILE"),
        ('{"_id": "1"}', ["--dataset", "h=/nonexistent"], "a", 2, "/nonexistent"),
        ('{"_id": "1"}', ["--dataset", "h=/"], "a", 2, "directory"),
    ],
)
def test_mistakes(transform: Any, text: str, options: list[str], pipe: str, code: int, message: str) -> None:
    found, out, err = transform(text, *options, pipe=pipe)
    assert (found, out) == (code, "") and message in err


def test_a_config_with_errors(transform: Any, folder: Path) -> None:
    (folder / "pipes" / "b.conf.json").write_text('{"_id": "b", "type": "pipe", "source": {"type": "sqll"}}')
    code, _, err = transform('{"_id": "1"}')
    assert code == 1 and 'unknown source type "sqll"' in err


@pytest.mark.parametrize("command", ["serve", "upload", "run", "status", "entities", "dtl", "transform"])
def test_every_command_says_what_its_exit_codes_mean(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0 and "Exit codes" in capsys.readouterr().out


def test_a_node_that_does_not_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--node", "http://127.0.0.1:1"]) == 1
    assert "does not answer" in capsys.readouterr().err


def test_ctrl_c_ends_a_command_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("localnode.cli.main.readings.choose", interrupted)
    assert main(["status"]) == 130
    assert capsys.readouterr() == ("", "")
