"""The examples in the docstrings of `Lab` and `check`, run against a playground."""

from __future__ import annotations

import doctest
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from canarylab import checks
from canarylab.lab import Lab
from canarylab.visiting import Visiting
from canarylab.workbench import Workbench
from tests.needs import needs
from tests.running_playground import RunningPlayground

pytestmark = needs("linux")


def in_order_of_writing(kind: type) -> list[Callable[..., Any]]:
    members = [each for name, each in vars(kind).items() if not name.startswith("_")]
    return [getattr(each, "fget", each) for each in members]


@pytest.fixture
def names(
    playground: RunningPlayground, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    monkeypatch.setenv("CANARYLAB_HOME", str(playground.home.root))
    lab = Lab()
    lab.reset("empty")
    yield {"lab": lab, "Lab": Lab, "check": checks.check}
    lab.close()


def run(thing: Callable[..., Any], names: dict[str, Any]) -> str:
    """What went wrong in the examples of one docstring."""
    said: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    parsed = doctest.DocTestParser().get_doctest(
        inspect.getdoc(thing) or "", names, thing.__qualname__, inspect.getfile(thing), None
    )
    runner.run(parsed, out=said.append, clear_globs=False)
    names.update(parsed.globs)
    return "".join(said)


@pytest.mark.parametrize("kind", [Workbench, Visiting, Lab])
def test_the_examples_of_the_lab_are_true_in_their_order(kind: type, names: dict[str, Any]) -> None:
    told = [run(thing, names) for thing in in_order_of_writing(kind)]
    assert "".join(told) == ""


def test_the_example_of_check_is_true(names: dict[str, Any]) -> None:
    names["lab"].reset("production")
    assert run(checks.check, names) == ""
