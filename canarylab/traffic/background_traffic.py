"""Traffic in the background of a `with` block, so that a change can be made under load."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from types import TracebackType

from canarylab import runtime
from canarylab.errors import TrafficError
from canarylab.traffic.sample import Sample
from canarylab.traffic.sampler import Sampler


def _unchanged(sample: Sample) -> Sample:
    return sample


class BackgroundTraffic:
    """Sends the requests of a sampler from the beginning of a `with` block to its end.

    At the end no further request is sent, and those in flight are waited for.
    """

    def __init__(
        self, sampler: Sampler, *, complete: Callable[[Sample], Sample] = _unchanged
    ) -> None:
        self._sampler, self._complete = sampler, complete
        self._sampling: Future[Sample]
        self._sample: Sample | None = None

    @property
    def sample(self) -> Sample:
        """The sample: complete after the block, within it what there is so far."""
        return self._sample or self._sampler.sample()

    @property
    def is_over(self) -> bool:
        """Whether it sends no more requests."""
        return self._sampling.done()

    def __enter__(self) -> BackgroundTraffic:
        self._sampling = runtime.start(self._sampler.run())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        ended_early = self.is_over
        runtime.call_on_loop(self._sampler.stop)
        try:
            sample = self._complete(self._sampling.result())
        except TrafficError:
            if exc is None:  # what happened in the block matters more
                raise
            return
        except BaseException:
            self._sampling.cancel()
            raise
        if ended_early:
            ended = (
                f"The traffic ended by itself after {sample.total:,} requests and "
                f"{sample.seconds:.0f} s, before the block did."
            )
            sample = replace(sample, notes=(*sample.notes, ended))
        self._sample = sample

    def __repr__(self) -> str:
        return repr(self.sample)
