"""Every command line ends in an exit code and, where it fails, in one sentence."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from regraft.cli.faults import OF_PARTS
from regraft.cli.main import VERBS, main
from regraft.errors import (
    BackboneError,
    DataError,
    GuardError,
    RegraftError,
    StoppedError,
    UnreachableError,
)
from tests.unit.cli.conftest import Stand, Type

HEAVY = ("torch", "transformers", "timm", "sklearn", "pandas", "numpy", "pyarrow", "matplotlib")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from regraft.cli.main import main; main(['fit', '--help']);"
        f"print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_help_lists_every_verb_and_the_exit_codes(typed: Type) -> None:
    outcome = typed("--help")
    assert outcome.code == 0
    for word in (*VERBS, "Exit codes", "130"):
        assert word in outcome.out


def test_no_words_at_all_show_the_help(typed: Type) -> None:
    outcome = typed()
    assert outcome.code == 0
    assert "Exit codes" in outcome.out


def test_the_version_is_one_line_on_stdout(typed: Type) -> None:
    from regraft import __version__

    assert typed("--version").out == f"regraft {__version__}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(typed: Type, verb: str) -> None:
    assert typed(verb, "--help").code == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("fti d.csv", "'fti' is not a verb; expected one of fit, resume"),
        ("--epochs 3 fit d.csv", "--epochs stands before the verb; expected the verb first"),
        ("--versoin", "--versoin is not a flag of regraft; try regraft --version"),
        ("fit d.csv --epoch 3", "--epoch is not a flag of regraft fit; try --epochs"),
        *(
            (f"fit d.csv {flag} e.csv", f"{flag} is not a flag of regraft fit; try {OF_PARTS}")
            for flag in ("--test", "--train", "--val", "--valid")
        ),
        ("predict r --test e.csv", "--test is not a flag of regraft predict; try --text"),
        ("fit d.csv --qwxz", "--qwxz is not a flag of regraft fit; try regraft fit --help"),
        (
            "fit --data d.csv",
            "--data is not a flag of regraft fit, it stands alone; try regraft fit DATA",
        ),
        (
            "shift d.csv --target e.csv",
            "--target is not a flag of regraft shift, it stands alone; "
            "try regraft shift SOURCE TARGET",
        ),
        (
            "adapt d.csv --views 8",
            "--views is not a flag of regraft adapt, but of "
            "fit, plan, compare, show-config; try regraft adapt --help",
        ),
        (
            "fit d.csv --strategies head",
            "--strategies is not a flag of regraft fit, but of compare; try --strategy",
        ),
        ("fit", "DATA is missing; expected a file, a folder or starter:NAME"),
        ("fit d.csv --epochs many", "epochs = 'many' cannot be used; expected a number above 0"),
        (
            "fit d.csv --batch-size=2.5",
            "batch_size = '2.5' cannot be used; expected a whole number from 1 to 1000000",
        ),
        ("fit d.csv --epochs 0", "epochs = 0.0 cannot be used; expected a number above 0"),
        (
            "fit d.csv --optimizer adm",
            "optimizer = 'adm' cannot be used; expected one of adamw, sgd",
        ),
        ("fit d.csv e.csv", "Got unexpected extra argument"),
        ("fit d.csv --config none.toml", "none.toml: No such file"),
        ("predict", "Missing argument 'RUN'; try regraft predict --help"),
    ],
)
def test_a_newcomers_mistake_ends_in_one_sentence(typed: Type, words: str, sentence: str) -> None:
    outcome = typed(*words.split())
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith(f"error: {sentence}")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataError("d.csv has no column 'txt'", hint="--text text"), 2),
        (BackboneError("'minilmm' is not a backbone", hint="starter:minilm"), 2),
        (UnreachableError("pypi.org did not answer"), 3),
        (GuardError("block 3 moved"), 4),
        (StoppedError("stopped at step 3"), 130),
    ],
)
def test_an_error_of_the_tree_keeps_its_code(
    typed: Type, stand_in: Stand, error: RegraftError, code: int
) -> None:
    stand_in("fit:run_fit", error)
    outcome = typed("fit", "d.csv")
    assert (outcome.code, outcome.out, outcome.err) == (code, "", f"error: {error}\n")


def test_with_json_an_error_is_one_document_and_keeps_its_code(
    typed: Type, stand_in: Stand
) -> None:
    stand_in("fit:run_fit", DataError("d.csv is empty", expected="rows", hint="another file"))
    outcome = typed("fit", "d.csv", "--json")
    assert outcome.code == 2
    assert outcome.err == ""
    assert json.loads(outcome.out)["error"] == {
        "type": "DataError",
        "message": "d.csv is empty; expected rows; try another file",
        "given": "d.csv is empty",
        "expected": "rows",
        "hint": "another file",
        "exit_code": 2,
    }


def test_a_usage_mistake_with_json_is_a_document_too(typed: Type) -> None:
    outcome = typed("fit", "d.csv", "--json", "--epoch", "3")
    assert json.loads(outcome.out)["error"]["hint"] == "--epochs"


def test_a_stop_by_the_user_is_130_without_a_traceback(typed: Type, stand_in: Stand) -> None:
    stand_in("fit:run_fit", KeyboardInterrupt())
    outcome = typed("fit", "d.csv")
    assert (outcome.code, outcome.err) == (130, "stopped\n")


def test_a_bug_says_so_and_names_the_log_that_holds_the_traceback(
    typed: Type, stand_in: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_log_path", lambda name: tmp_path / name)
    stand_in("fit:run_fit", ZeroDivisionError("by nothing"))
    outcome = typed("fit", "d.csv")
    (log,) = (tmp_path / "regraft").iterdir()
    assert outcome.code == 1
    assert outcome.err == (
        "error: this is a bug in regraft (ZeroDivisionError: by nothing); "
        f"the traceback is in {log}\n"
    )
    assert "Traceback (most recent call last)" in log.read_text(encoding="utf-8")


def test_a_terminal_of_another_encoding_gets_escapes(
    typed: Type, stand_in: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", narrow)
    stand_in("fit:run_fit", DataError("no column 漢"))
    assert typed("fit", "d.csv").code == 2
    narrow.flush()
    assert narrow.buffer.getvalue() == b"error: no column \\u6f22\n"


def test_names_from_the_data_cannot_send_commands_to_the_terminal(
    typed: Type, stand_in: Stand
) -> None:
    stand_in("fit:run_fit", DataError("column \x1b[2Jx is odd"))
    assert typed("fit", "d.csv").err == "error: column \\x1b[2Jx is odd\n"


def test_a_process_that_is_asked_to_end_stops_as_by_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ended(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    usual = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(sys, "argv", ["regraft", "list"])
    monkeypatch.setattr("regraft.cli.main._app", lambda: ended)
    try:
        assert main() == 130
    finally:
        signal.signal(signal.SIGTERM, usual)
    assert "stopped" in capsys.readouterr().err


def test_a_memory_that_is_too_small_ends_in_one_sentence(typed: Type, stand_in: Stand) -> None:
    stand_in("fit:run_fit", RuntimeError("MPS backend out of memory"))
    outcome = typed("fit", "d.csv")
    assert outcome.code == 2
    assert outcome.err.startswith("error: the memory of the device is too small for this run; try ")
    assert outcome.err.count("\n") == 1
