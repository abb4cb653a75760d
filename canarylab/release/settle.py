"""Has the network caught up with the cluster?

An endpoint that is ready gets no traffic before kube-proxy has heard of it, and one that is gone
may get some until then. No API says how far kube-proxy is. So we ask the Service itself: it has
settled when its answers come from all ready pods and from no others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from canarylab.errors import TimedOutError, TrafficError

UNNAMED = "other"
"""Who answered without saying the name of a pod."""
ANSWERS_PER_POD = 10
"""Of n pods one stays unseen in 10 n answers with a chance of about n in 22,000."""


def wait_until_settled(
    answering_pods: Callable[[int], Collection[str]],
    ready_pods: Callable[[], Collection[str]],
    *,
    timeout_s: float = 15.0,
) -> None:
    """Wait until the pods that answer are the pods that are ready.

    `answering_pods(n)` sends n requests on connections of their own and returns who answered. An
    app that does not say its pod's name cannot be asked; then nothing is waited for.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        ready = set(ready_pods())
        try:
            answered = set(answering_pods(max(1, len(ready)) * ANSWERS_PER_POD))
        except TrafficError:
            if time.monotonic() > deadline or not ready:
                raise
            continue
        if answered == ready or not answered - {UNNAMED}:
            return
        if time.monotonic() > deadline:
            raise TimedOutError(
                f"After {timeout_s:.0f} s those who answer, {_listed(answered)}, are not the "
                f"ready pods, {_listed(ready)}. `kubectl get endpointslices` shows who should."
            )


def _listed(pods: Collection[str]) -> str:
    return ", ".join(sorted(pods)) or "none"
