"""Makes verbs that only remember how they were called, and runs command lines on them."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from regraft.cli.main import main


@dataclass
class Outcome:
    """What a command line came to."""

    code: int
    out: str
    err: str


@dataclass
class Fake:
    """A verb that answers as told and keeps the arguments of each call."""

    answer: Any = None
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.calls.append((*arguments, *named.values()))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


Type = Callable[..., Outcome]
Stand = Callable[[str, Any], Fake]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Type:
    """Runs `regraft` with the given words in this process."""

    def run(*words: str) -> Outcome:
        code = main(words)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Stand:
    """Puts a fake in the place of `module:function` below `regraft.runs`."""

    def put(place: str, answer: Any) -> Fake:
        module, _, function = place.partition(":")
        name = f"regraft.runs.{module}"
        holder = sys.modules.get(name)
        if not getattr(holder, "__fake__", False):
            holder = ModuleType(name)
            holder.__dict__["__fake__"] = True
            monkeypatch.setitem(sys.modules, name, holder)
        fake = Fake(answer)
        assert holder is not None
        holder.__dict__[function] = fake
        return fake

    return put
