"""Which log belongs to which run of a container?"""

from __future__ import annotations

from pathlib import Path

from canarylab.playground.node.logs import Log


class RunLogs:
    """One log for each run, numbered as the restarts are; the newest two are kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._current: Log | None = None

    def begin(self, number: int) -> Log:
        """The log of a run that starts now."""
        for old in self._folder.glob("*.log*"):
            if int(old.name.partition(".")[0]) < number - 1:
                old.unlink()
        self._current = Log(self._path(number))
        return self._current

    def of_run(self, number: int) -> Log | None:
        """The log of that run, if there was one and it is still there."""
        path = self._path(number)
        if self._current is not None and self._current.path == path:
            return self._current
        return Log.of_the_past(path) if path.exists() else None

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.log"
