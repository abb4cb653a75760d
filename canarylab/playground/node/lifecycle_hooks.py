"""The lifecycle hooks of a container, postStart and preStop.

The words are those of the kubelet:
https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/lifecycle/handlers.go
"""

from __future__ import annotations

import asyncio
import json

from canarylab.kube_objects import Object
from canarylab.playground.node.probes import ProbeTarget, http_status

_TIMEOUT_S = 3600.0  # the caller has a deadline of its own


async def run_hook(name: str, target: ProbeTarget, pod_name: str) -> str:
    """Run a hook of the container, if it has one; return why it failed, or ""."""
    action = target.container.get("lifecycle", {}).get(name, {})
    container = f'for Container "{target.container["name"]}" in Pod "{pod_name}"'
    if "sleep" in action:
        await asyncio.sleep(action["sleep"]["seconds"])
    elif "exec" in action:
        words = " ".join(command := action["exec"]["command"])
        code, output = await target.run(command)
        if code != 0:
            error = f"command '{words}' exited with {code}: {output}"
            hook = f"Exec lifecycle hook ([{words}]) {container}"
            return f"{hook} failed - error: {error}, message: {json.dumps(output)}"
    elif "httpGet" in action and (error := await _get(action["httpGet"], target)):
        path = action["httpGet"].get("path", "")
        return f"HTTP lifecycle hook ({path}) {container} failed - error: {error}"
    return ""


async def _get(action: Object, target: ProbeTarget) -> str:
    """Send a request; any answer will do."""
    answer = await http_status(action, target, timeout_s=_TIMEOUT_S, client="kube-lifecycle")
    return answer if isinstance(answer, str) else ""
