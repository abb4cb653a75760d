"""What can be done to a release from a board of controls?

The board knows nothing of clusters. Whoever has one gives it a `ReleaseBoard`; everything a
control can ask for is an `Act`, which says what it does in words and knows which verb that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from canarylab.traffic.sample import Sample
from canarylab.traffic.text import counted

Track = Literal["production", "canary"]
TRACKS: tuple[Track, ...] = ("production", "canary")


class ReleaseBoard(Protocol):
    """A release that can be moved. Every verb waits until what it asked for is so."""

    def replicas(self) -> Mapping[Track, int]:
        """How many pods each track has now."""

    def scale(self, track: Track, replicas: int) -> None:
        """So many pods of a track, rolled out."""

    def expected(self) -> Mapping[str, float]:
        """The share of each version that the ready pods suggest."""

    def sample(self, count: int) -> Sample:
        """So many requests, and who answered."""

    def command(self, act: Act) -> str:
        """What does the same in a terminal; empty where there is no such thing."""

    def promote_by_replicas(self) -> None:
        """The canary grows to all pods, and production shrinks to none."""

    def promote_by_image(self) -> None:
        """Production gets the canary's image, and the canary goes."""

    def reset(self) -> None:
        """Back to where it began."""


class Act(Protocol):
    """Something that a control asks for."""

    def words(self) -> str:
        """What is being done, for the status line."""

    def perform(self, board: ReleaseBoard) -> None:
        """Do it, and wait until it is so."""


@dataclass(frozen=True)
class Scale:
    """So many pods of one track.

    >>> Scale("canary", 2).words()
    'Scaling canary to 2 pods and waiting until they are ready'
    """

    track: Track
    replicas: int

    def words(self) -> str:
        """What is being done, for the status line."""
        pods = counted(self.replicas, "pod")
        return f"Scaling {self.track} to {pods} and waiting until they are ready"

    def perform(self, board: ReleaseBoard) -> None:
        """Do it, and wait until it is so."""
        board.scale(self.track, self.replicas)


@dataclass(frozen=True)
class PromoteByReplicas:
    """The canary grows until it is production."""

    def words(self) -> str:
        """What is being done, for the status line."""
        return "Growing the canary and shrinking production"

    def perform(self, board: ReleaseBoard) -> None:
        """Do it, and wait until it is so."""
        board.promote_by_replicas()


@dataclass(frozen=True)
class PromoteByImage:
    """Production gets the canary's image."""

    def words(self) -> str:
        """What is being done, for the status line."""
        return "Giving production the canary's image, one pod after the other"

    def perform(self, board: ReleaseBoard) -> None:
        """Do it, and wait until it is so."""
        board.promote_by_image()


@dataclass(frozen=True)
class GoBack:
    """Everything as it was at the beginning."""

    def words(self) -> str:
        """What is being done, for the status line."""
        return "Going back to where it began"

    def perform(self, board: ReleaseBoard) -> None:
        """Do it, and wait until it is so."""
        board.reset()


@dataclass(frozen=True)
class Measure:
    """Nothing but the requests that follow every act."""

    def words(self) -> str:
        """What is being done, for the status line."""
        return "Looking at the release as it is"

    def perform(self, board: ReleaseBoard) -> None:
        """Do it, and wait until it is so."""


def latest(acts: Iterable[Act]) -> list[Act]:
    """The acts that are left of a burst: for each track only its last number of pods.

    >>> latest([Scale("canary", 2), Scale("production", 2), Scale("canary", 4)])
    [Scale(track='production', replicas=2), Scale(track='canary', replicas=4)]
    """
    left: list[Act] = []
    for act in acts:
        left = [each for each in left if not _replaces(act, each)]
        left.append(act)
    return left


def _replaces(act: Act, earlier: Act) -> bool:
    if isinstance(act, Scale) and isinstance(earlier, Scale):
        return act.track == earlier.track
    return act == earlier
