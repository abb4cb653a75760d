"""Finding a container's image, with the events and waiting reasons of a pull.

Images come from this machine alone: nothing is ever downloaded, so imagePullPolicy makes no
difference. A missing image has the events of Kubernetes, with growing delays between them; but it
is looked for more often than that, so that a pod starts soon after its image is built.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from canarylab.errors import ImageNameError
from canarylab.playground.images import Image, find
from canarylab.playground.node.status import ContainerWaiting

FIRST_DELAY_S, LAST_DELAY_S = 10.0, 300.0
_ERROR_SHOWN_S = 1.0
_FIRST_POLL_S, _LAST_POLL_S = 0.1, 2.0


class RecordContainerEvent(Protocol):
    """Records an event about the container."""

    def __call__(self, reason: str, message: str, *, type: str = "Normal") -> None: ...


@dataclass(frozen=True)
class ImagePuller:
    """Finds the image of one container."""

    images: Path
    reference: str
    event: RecordContainerEvent
    set_waiting: Callable[[ContainerWaiting], None]

    async def pull(self) -> Image:
        """Return the image as soon as there is one; wait for ever if its name is invalid."""
        try:
            image = find(self.images, self.reference)
        except ImageNameError:
            return await self._wait_for_ever()
        delay_s = FIRST_DELAY_S
        while image is None:
            image = await self._try(delay_s)
            delay_s = min(delay_s * 2, LAST_DELAY_S)
        self.event(
            "Pulled",
            f'Container image "{self.reference}" already present on machine '
            "and can be accessed by the pod",
        )
        return image

    async def _try(self, delay_s: float) -> Image | None:
        problem = "there is no such image on this node; build it, or correct its name"
        self.event("Pulling", f'Pulling image "{self.reference}"')
        self._event_failed(f'Failed to pull image "{self.reference}": {problem}')
        self._event_failed("Error: ErrImagePull")
        self.set_waiting(ContainerWaiting("ErrImagePull", problem))
        if image := await self._find_within(_ERROR_SHOWN_S):
            return image
        back_off = f'Back-off pulling image "{self.reference}"'
        self.event("BackOff", back_off)
        self._event_failed("Error: ImagePullBackOff")
        message = f"{back_off}: ErrImagePull: {problem}"
        self.set_waiting(ContainerWaiting("ImagePullBackOff", message))
        return await self._find_within(delay_s - _ERROR_SHOWN_S)

    async def _find_within(self, delay_s: float) -> Image | None:
        loop = asyncio.get_running_loop()
        end, poll_s = loop.time() + delay_s, _FIRST_POLL_S
        while (left_s := end - loop.time()) > 0:
            await asyncio.sleep(min(poll_s, left_s))
            if image := find(self.images, self.reference):
                return image
            poll_s = min(poll_s * 1.5, _LAST_POLL_S)
        return None

    async def _wait_for_ever(self) -> Image:
        problem = f'couldn\'t parse image name "{self.reference}": invalid reference format'
        self._event_failed("Error: InvalidImageName")
        self.set_waiting(ContainerWaiting("InvalidImageName", problem))
        never: asyncio.Future[Image] = asyncio.get_running_loop().create_future()
        return await never

    def _event_failed(self, message: str) -> None:
        self.event("Failed", message, type="Warning")
