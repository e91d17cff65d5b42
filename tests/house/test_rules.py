"""Holds every module to the rules, and every rule to a fault that it must see."""

import pytest

from tests.house.rules import RULES
from tests.house.source import modules, parse

LONG = "\n".join("    x += 1" for _ in range(51))
METHODS = "\n".join(f"    def m{i}(self): ..." for i in range(16))
DEEP = "def f(x):\n if x:\n  for y in x:\n   with y:\n    while y:\n     y()"
DOC = '"""Makes one thing from another."""\n'

# (rule, path below src/regraft, text of a module that breaks the rule)
FAULTS = [
    ("body_length", "data/a.py", f"def f(x):\n{LONG}"),
    ("class_size", "data/a.py", f"class A:\n{METHODS}"),
    ("class_size", "data/a.py", "class A:\n    a = 1\n" + "    # b\n" * 250 + "    c = 1"),
    ("file_length", "data/a.py", "a = 1\n" * 501),
    ("file_name", "data/utils.py", DOC),
    ("file_name", "common/rows.py", DOC),
    ("first_line", "data/a.py", "a = 1"),
    ("first_line", "data/a.py", '"""Makes one thing from another"""'),
    ("first_line", "data/a.py", '"""Makes one thing\nfrom another."""'),
    ("first_line", "data/a.py", '"""Utilities for rows."""'),
    ("first_line", "data/a.py", f'"""Makes {"very " * 20}long lines."""'),
    ("foreign_code", "data/a.py", "import torch\ntorch.load('a')"),
    ("foreign_code", "data/a.py", "from torch import load"),
    ("foreign_code", "data/a.py", "import pickle"),
    ("foreign_code", "backbones/weights.py", "import pickle\npickle.load(file)"),
    ("foreign_code", "backbones/weights.py", "import torch\ntorch.load('a')"),
    ("foreign_code", "data/a.py", "def f():\n    from pickle import loads"),
    ("foreign_code", "data/a.py", "run('ls', shell=True)"),
    ("foreign_code", "data/a.py", "archive.extractall('.')"),
    ("foreign_code", "data/a.py", "f(trust_remote_code=True)"),
    ("foreign_code", "data/a.py", "f(**{'trust_remote_code': True})"),
    ("foreign_code", "data/a.py", "eval('1')"),
    ("keywords", "data/a.py", "def f(**kwargs: int): ..."),
    ("nesting", "data/a.py", DEEP),
    ("parameters", "data/a.py", "def f(a, b, c): ..."),
    ("parameters", "data/a.py", "def f(a, *, b, c, d, e, f, g): ..."),
    ("parameters", "data/a.py", "def _f(a, b, c, d, e, f, g): ..."),
    ("parameters", "data/a.py", "class A:\n    def __init__(self, a, b, c): ..."),
    ("printing", "runs/a.py", "print('done')"),
    ("raises_section", "data/a.py", "def f():\n    if 1:\n        raise ValueError"),
    ("raises_section", "data/a.py", "class A:\n    def f(self):\n        raise ValueError"),
    ("source_line", "losses/a.py", DOC),
    ("source_line", "strategies/a.py", DOC),
]

# (rule, path below src/regraft, text of a module that looks like a fault and is none)
INNOCENT = [
    ("body_length", "data/a.py", f'def f(x):\n    """Long.\n{"    words" * 60}\n    """\n    x()'),
    ("first_line", "data/a.py", '"""Makes one thing from another.\n\nMore words."""'),
    ("foreign_code", "backbones/weights.py", "import torch\ntorch.load('a', weights_only=True)"),
    ("foreign_code", "backbones/weights.py", "import pickle\nE = pickle.UnpicklingError"),
    ("foreign_code", "data/a.py", "network.eval()"),
    ("foreign_code", "data/a.py", "run(['ls'], shell=False)"),
    ("keywords", "data/a.py", "def f(**options: Unpack[Options]): ..."),
    ("nesting", "data/a.py", "def f(x):\n if x: 1\n elif x: 2\n elif x: 3\n elif x: 4\n else: 5"),
    ("parameters", "cli/a.py", "def f(a, b, c, d, e, f, g): ..."),
    ("parameters", "data/a.py", "def _f(a, b, c, d, e, f): ..."),
    ("parameters", "data/a.py", "class A:\n    def __exit__(self, a, b, c): ..."),
    ("parameters", "data/a.py", "class A:\n    def f(self, a, b, *, c, d, e, f): ..."),
    ("printing", "cli/a.py", "print('done')"),
    ("printing", "runs/a.py", "def f(say=print): ..."),
    ("printing", "data/a.py", "def say_on_stderr(line):\n    print(line, file=sys.stderr)"),
    ("raises_section", "data/a.py", "def _f():\n    raise ValueError"),
    ("raises_section", "data/a.py", "def f():\n    try: g()\n    except OSError: raise"),
    (
        "raises_section",
        "data/a.py",
        'def f():\n    """F.\n\n    Raises:\n    """\n    raise OSError',
    ),
    ("source_line", "losses/__init__.py", DOC),
    ("source_line", "losses/a.py", '"""Makes a.\n\nSource: none (regraft)\n"""'),
]


@pytest.mark.parametrize("rule", RULES)
def test_every_module_keeps(rule: str) -> None:
    offences = [offence for module in modules() for offence in RULES[rule](module)]
    assert not offences, "\n" + "\n".join(offences)


@pytest.mark.parametrize(("rule", "path", "text"), FAULTS)
def test_a_fault_is_seen_by_its_rule(rule: str, path: str, text: str) -> None:
    assert list(RULES[rule](parse(text, path)))


@pytest.mark.parametrize(("rule", "path", "text"), INNOCENT)
def test_what_is_allowed_is_not_seen_as_a_fault(rule: str, path: str, text: str) -> None:
    assert list(RULES[rule](parse(text, path))) == []


def test_every_rule_has_a_fault_that_proves_it() -> None:
    assert {rule for rule, _, _ in FAULTS} == set(RULES)
