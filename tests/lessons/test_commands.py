"""Each command line that a lesson shows runs as it stands, in a terminal beside the notebook.

A learner may run the lines of every ```sh fence when they come to them. So a test does: it runs
the solved notebook, and before each cell the lines in it, in the folder and with the variables
that a terminal of `canarylab lab` has. Afterwards the lesson must still come to its end.

A line must succeed, unless a comment behind it says that it fails or is refused.

Here containers have no root of their own, as on Binder; in test_run.py they have one, where the
kernel allows it.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from canarylab.jupyter import jupyter_environment, prepare_lesson_folder
from canarylab.playground.node.pod_root import SETTING
from tests.lessons.read_lessons import LESSONS, prose
from tests.lessons.run_lessons import LONGEST, outcomes, run_in
from tests.needs import needs

LONGEST_LINE_S = 120
PROGRAMS = ("kubectl", "canarylab", "curl")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_MUST_FAIL = re.compile(r"#.*\b(fails|is refused)\b")


class Line(NamedTuple):
    """A command of a lesson, and what came of it."""

    text: str
    status: int
    shown: str

    @property
    def is_as_said(self) -> bool:
        """Whether it failed only if the lesson says so."""
        return (self.status != 0) == bool(_MUST_FAIL.search(self.text))


def commands(text: str) -> Iterator[str]:
    r"""The commands in the fences of a markdown cell; one may go over several lines.

    >>> list(commands("Try:\n```sh\n# all\nkubectl get \\\n  pods\ncurl 'a\nb'\n```"))
    ['kubectl get \\\n  pods', "curl 'a\nb'"]
    """
    for language, body in _FENCE.findall(text):
        if language == "sh":
            yield from _commands_of(body)


def _commands_of(body: str) -> Iterator[str]:
    waiting: list[str] = []
    for line in body.splitlines():
        if not waiting and (not line.strip() or line.lstrip().startswith("#")):
            continue
        waiting.append(line)
        command = "\n".join(waiting)
        if not line.endswith("\\") and _is_whole(command):
            yield command
            waiting = []
    assert waiting == [], f"not a whole command: {waiting}"


def _is_whole(command: str) -> bool:
    return (
        subprocess.run(["bash", "-n", "-c", command], check=False, capture_output=True).returncode
        == 0
    )


class Terminal:
    """Runs the commands of each cell that it is called with."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, environment
        self.lines: list[Line] = []

    async def run_commands_of(self, cell: Any) -> None:
        if cell.cell_type == "markdown":
            for command in commands(cell.source):
                self.lines.append(await self._run(command))

    async def _run(self, command: str) -> Line:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", command),
            cwd=self._folder,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            shown, _ = await asyncio.wait_for(process.communicate(), LONGEST_LINE_S)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise AssertionError(f"{command} did not end in {LONGEST_LINE_S} s") from None
        assert process.returncode is not None
        return Line(command, process.returncode, shown.decode())


def test_a_line_that_fails_is_told_from_one_that_the_lesson_says_will_fail() -> None:
    assert not Line("kubectl get pod x", 1, "").is_as_said
    assert Line("kubectl get pod x  # is refused", 1, "").is_as_said
    assert not Line("kubectl get pod x  # fails", 0, "").is_as_said


NAMES = [
    lesson.stem for lesson in LESSONS if any(list(commands(cell.source)) for cell in prose(lesson))
]


@pytest.mark.timeout(LONGEST + 60)
@pytest.mark.slow  # each runs a whole lesson, which test_run.py does as well
@needs("linux", "kubectl")
@pytest.mark.parametrize("name", NAMES)
async def test_every_command_of_a_lesson_runs_as_it_stands_and_the_lesson_goes_on(
    name: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARYLAB_HOME", str(home))
    environment, problems = jupyter_environment(os.environ)
    environment |= {"KUBECACHEDIR": str(tmp_path / "cache"), "CANARYLAB_STRICT": "1"}
    environment |= {SETTING: "no"}
    folder = prepare_lesson_folder(tmp_path).path
    terminal = Terminal(folder, environment)

    solved = folder / "solved" / f"{name}.ipynb"
    ran = await run_in(environment, solved, folder, terminal.run_commands_of)

    assert problems == ()
    assert outcomes(ran) <= {"holds"}
    assert [line for line in terminal.lines if not line.is_as_said] == []


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)
def test_no_command_stands_in_a_fence_that_is_not_run(lesson: Path) -> None:
    found = [
        line
        for cell in prose(lesson)
        for language, body in _FENCE.findall(cell.source)
        if language != "sh"
        for line in body.splitlines()
        if line.startswith(PROGRAMS)
    ]

    assert found == []
