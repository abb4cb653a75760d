"""The examples in the docstrings of `Lab` and `check`, run against a playground."""

from __future__ import annotations

import doctest
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from canarylab import checks
from canarylab.judge import ThresholdJudge
from canarylab.lab import Lab
from canarylab.release.connection import Connection
from tests.needs import needs
from tests.running_playground import RunningPlayground

pytestmark = [needs("linux", "kubectl"), pytest.mark.slow, pytest.mark.usefixtures("local_ports")]


def public_members(kind: type) -> list[Callable[..., Any]]:
    """In the order of the file."""
    members = [each for name, each in vars(kind).items() if not name.startswith("_")]
    return [getattr(each, "fget", each) for each in members]


@pytest.fixture
def names(
    playground: RunningPlayground, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    del connection  # it leaves nothing of another test there
    monkeypatch.setenv("CANARYLAB_HOME", str(playground.home.root))
    lab = Lab()
    yield {"lab": lab, "Lab": Lab, "check": checks.check, "ThresholdJudge": ThresholdJudge}
    playground.delete_pods_at_once()
    lab.close()


NOTE = re.compile(r"^.*127\.0\.0\.1:\d+ belongs to another program, so .*\n", re.MULTILINE)
NODE = re.compile(r"http://127\.\d+\.\d+\.1:")


class AddressChecker(doctest.OutputChecker):
    """Takes the node's address for 127.0.0.1, whose ports another playground may have."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        """As doctest does, without the notes about these ports."""
        said = NODE.sub("http://127.0.0.1:", NOTE.sub("", got))
        return super().check_output(want, said, optionflags)


def run(thing: Callable[..., Any], names: dict[str, Any]) -> str:
    """The failures in the examples of one docstring."""
    failures: list[str] = []
    runner = doctest.DocTestRunner(AddressChecker(), verbose=False, optionflags=doctest.ELLIPSIS)
    parsed = doctest.DocTestParser().get_doctest(
        inspect.getdoc(thing) or "", names, thing.__qualname__, inspect.getfile(thing), None
    )
    runner.run(parsed, out=failures.append, clear_globs=False)
    names.update(parsed.globs)
    return "".join(failures)


def test_the_examples_of_the_lab_are_true_in_their_order(names: dict[str, Any]) -> None:
    failures = [run(each, names) for each in public_members(Lab)]
    assert "".join(failures) == ""


def test_the_example_of_check_is_true(names: dict[str, Any]) -> None:
    names["lab"].reset("02-production")
    assert run(checks.check, names) == ""
