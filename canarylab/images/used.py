"""Which builder does this notebook use, and what runs through those that it used before?"""

from __future__ import annotations

from canarylab.docker_engine import engine_answers
from canarylab.images.base import Builder, LocalRun
from canarylab.images.choose import choose_builder, may_be_there
from canarylab.images.docker import DockerBuilder
from canarylab.playground.home import Home


class UsedBuilders:
    """The builders of one notebook. The one used last is used again until another is named."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._used: dict[str, Builder] = {}
        self._current: Builder | None = None

    def use(self, name: str | None = None) -> Builder:
        """The builder of that name; without a name the current one, chosen when first needed."""
        if name is not None or self._current is None:
            chosen, _ = choose_builder(name, home=self._home)
            self._current = self._used.setdefault(chosen.name, chosen)
        return self._current

    def run(self, reference: str, *, port: int) -> LocalRun:
        """Run it with the current builder, in place of whatever ran on that port through any."""
        current = self.use()
        for other in self._used.values():
            if other is not current:
                other.stop(port)
        return current.run(reference, port=port)

    def running(self) -> list[LocalRun]:
        """What runs, through any of them."""
        self.use()
        return [run for builder in self._used.values() for run in builder.running()]

    def stop_all(self) -> list[int]:
        """End everything; which ports are free again."""
        if not self._used:
            return stop_left_over(self._home)
        return [port for builder in self._used.values() for port in builder.stop_all()]


def stop_left_over(home: Home) -> list[int]:
    """Remove the home's containers, whoever started them; which ports are free again.

    Where no engine answers there is nothing to look for, and nothing is said.
    """
    if not may_be_there() or not engine_answers():
        return []
    return DockerBuilder(home.root).stop_all()
