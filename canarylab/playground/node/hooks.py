"""What does a container ask to have done before it is stopped, or after it has started?"""

from __future__ import annotations

import asyncio

from canarylab.playground.kube.api import Object
from canarylab.playground.node.checks import Finding, Target, check

_NO_HURRY_S = 3600.0  # whoever runs a hook has a deadline of its own


async def run_hook(container: Object, name: str, target: Target) -> Finding:
    """Run the hook called "preStop" or "postStart", if there is one."""
    action = container.get("lifecycle", {}).get(name)
    if not action:
        return Finding(is_good=True)
    if "sleep" in action:
        await asyncio.sleep(action["sleep"]["seconds"])
        return Finding(is_good=True)
    return await check(action, target, timeout_s=_NO_HURRY_S)
