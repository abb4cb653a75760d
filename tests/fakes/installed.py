"""The stand-ins for kind and docker: as programs on PATH, or in place of `external_tools`."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess

from canarylab.errors import ToolFailedError
from canarylab.external_tools import Tool, keep
from tests.fakes import docker, kind
from tests.fakes.program import Command, Refused
from tests.fakes.state import FakeState

ROOT = Path(__file__).parents[2]
COMMANDS: Mapping[str, Command] = {"kind": kind.main, "docker": docker.main}


def install(folder: Path, *programs: str) -> None:
    """Programs of these names, for whoever looks in this folder first."""
    folder.mkdir(exist_ok=True)
    for name in programs:
        program = folder / name
        program.write_text(
            f"#!{sys.executable}\n"
            "import sys\n"
            f"sys.path.insert(0, {str(ROOT)!r})\n"
            f"from tests.fakes.{name} import main\n"
            "from tests.fakes.program import run\n"
            f"run({name!r}, main)\n"
        )
        program.chmod(0o755)


class FakeTools:
    """What `canarylab.external_tools` does, without a process: the stand-ins run in this one."""

    def __init__(self, state: FakeState, *installed: str) -> None:
        self._state, self.installed = state, set(installed)

    def find(self, tool: Tool) -> Path | None:
        """A path that does not matter."""
        return Path("/bin") / tool if tool in self.installed else None

    def run(self, tool: Tool, *arguments: str, timeout_s: float = 0) -> CompletedProcess[str]:
        """Run it to its end."""
        written, complained = io.StringIO(), io.StringIO()
        with redirect_stdout(written), redirect_stderr(complained):
            status = self._call(tool, arguments)
        output = (written.getvalue(), complained.getvalue())
        return CompletedProcess([tool, *arguments], status, *output)

    def stream(
        self,
        tool: Tool,
        *arguments: str,
        report: Callable[[str], None],
        env: Mapping[str, str] | None = None,
        pass_fds: Collection[int] = (),
    ) -> None:
        """Run it and report its lines as they come."""
        lines = _Lines(report)
        with redirect_stdout(lines), redirect_stderr(lines):
            status = self._call(tool, arguments)
        if status:
            raise ToolFailedError([tool, *arguments], status=status, output="\n".join(lines.kept))

    def _call(self, tool: Tool, arguments: Collection[str]) -> int:
        assert tool in self.installed
        self._state.note(tool, list(arguments))
        try:
            COMMANDS[tool](self._state, list(arguments))
        except Refused as exc:
            sys.stderr.write(f"{exc.words}\n")
            return exc.status
        return 0


class _Lines(io.StringIO):
    """A stream that reports each line when it is whole."""

    def __init__(self, report: Callable[[str], None]) -> None:
        super().__init__()
        self._report, self.kept, self._begun = report, list[str](), ""

    def write(self, text: str) -> int:
        *whole, self._begun = (self._begun + text).split("\n")
        for line in whole:
            keep(self.kept, line)
            self._report(line)
        return len(text)
