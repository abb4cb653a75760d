"""Where does a container's image come from?

From this machine alone: nothing is ever downloaded, so imagePullPolicy makes no difference. An
image that is missing is told of as in Kubernetes, with its growing delays between the events; but
it is looked for more often than that, so that a pod starts soon after its image is built.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from canarylab.errors import ImageNameError
from canarylab.playground.images import Image, find
from canarylab.playground.node.records import Waiting

FIRST_DELAY_S, LAST_DELAY_S = 10.0, 300.0
_ERROR_SHOWN_S = 1.0
_FIRST_LOOK_S, _LAST_LOOK_S = 0.1, 2.0


class Say(Protocol):
    """Records an event about the container."""

    def __call__(self, reason: str, message: str, *, type: str = "Normal") -> None: ...


@dataclass(frozen=True)
class Pull:
    """One container's way to its image."""

    images: Path
    reference: str
    say: Say
    waits: Callable[[Waiting], None]

    async def image(self) -> Image:
        """The image, as soon as there is one; for ever if none can have that name."""
        try:
            image = find(self.images, self.reference)
        except ImageNameError:
            return await self._never()
        delay_s = FIRST_DELAY_S
        while image is None:
            image = await self._try_for(delay_s)
            delay_s = min(delay_s * 2, LAST_DELAY_S)
        self.say(
            "Pulled",
            f'Container image "{self.reference}" already present on machine '
            "and can be accessed by the pod",
        )
        return image

    async def _try_for(self, delay_s: float) -> Image | None:
        problem = "there is no such image on this node; build it, or correct its name"
        self.say("Pulling", f'Pulling image "{self.reference}"')
        self._fail(f'Failed to pull image "{self.reference}": {problem}')
        self._fail("Error: ErrImagePull")
        self.waits(Waiting("ErrImagePull", problem))
        if image := await self._found_within(_ERROR_SHOWN_S):
            return image
        backing_off = f'Back-off pulling image "{self.reference}"'
        self.say("BackOff", backing_off)
        self._fail("Error: ImagePullBackOff")
        self.waits(Waiting("ImagePullBackOff", f"{backing_off}: ErrImagePull: {problem}"))
        return await self._found_within(delay_s - _ERROR_SHOWN_S)

    async def _found_within(self, delay_s: float) -> Image | None:
        clock = asyncio.get_running_loop()
        end, look_s = clock.time() + delay_s, _FIRST_LOOK_S
        while (left_s := end - clock.time()) > 0:
            await asyncio.sleep(min(look_s, left_s))
            if image := find(self.images, self.reference):
                return image
            look_s = min(look_s * 1.5, _LAST_LOOK_S)
        return None

    async def _never(self) -> Image:
        problem = f'couldn\'t parse image name "{self.reference}": invalid reference format'
        self._fail("Error: InvalidImageName")
        self.waits(Waiting("InvalidImageName", problem))
        never: asyncio.Future[Image] = asyncio.get_running_loop().create_future()
        return await never

    def _fail(self, message: str) -> None:
        self.say("Failed", message, type="Warning")
