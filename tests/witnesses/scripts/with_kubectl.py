"""kubectl, in the version that CLIENT names."""

from __future__ import annotations

import json
import os
import subprocess

from tests.witnesses.scripts.steps import (
    CONFIG_MAP,
    DEPLOYMENT,
    FORTY_TWO,
    NAMESPACE,
    PATCHES,
    SELECTOR,
    TIMEOUT_S,
    annotated,
    answer_at,
    patched_by,
    report,
    started,
)

KUBECTL = (os.environ["CLIENT"], "--namespace", NAMESPACE)


def kubectl(*arguments: str, given: object = None) -> str:
    """What it says; `given` is what it reads."""
    text = json.dumps(given)
    ran = subprocess.run(
        [*KUBECTL, *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return (ran.stdout + ran.stderr).strip()


def create() -> str:
    replicas = "jsonpath={.metadata.name} has {.spec.replicas} replicas"
    return kubectl("create", "--filename=-", f"--output={replicas}", given=DEPLOYMENT)


def _wait_until_ready(count: int) -> str:
    what = ("deployment/web", f"--for=jsonpath={{.status.availableReplicas}}={count}")
    how = "--output=jsonpath={.status.availableReplicas} are available"
    return kubectl("wait", *what, f"--timeout={TIMEOUT_S}s", how)


def wait() -> str:
    return _wait_until_ready(2)


def get() -> str:
    image = "{.spec.template.spec.containers[0].image}"
    return kubectl("get", "deployment", "web", f"--output=jsonpath={image}")


def _names(*how: str) -> list[str]:
    return kubectl("get", "pods", f"--selector={SELECTOR}", "--output=name", *how).splitlines()


def list_all() -> str:
    names = [name for name in _names() if name.startswith("pod/web-")]
    return f"{len(names)} pods"


def list_in_pages() -> str:
    return f"{len(_names('--chunk-size=1'))} pods"


def watch_changes() -> str:
    kubectl("create", "--filename=-", given=CONFIG_MAP)
    which = ("--field-selector=metadata.name=settings", "--output-watch-events")
    seen = []
    with subprocess.Popen(
        [*KUBECTL, "get", "configmaps", *which, "--watch", "--no-headers"],
        stdout=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stdout
        for line in watching.stdout:
            seen.append(change := line.split()[0])
            if change == "ADDED":
                red = '{"data": {"colour": "red"}}'
                kubectl("patch", "configmap", "settings", "--patch", red)
            if change == "MODIFIED":
                kubectl("delete", "configmap", "settings")
            if change == "DELETED":
                watching.terminate()
    return " ".join(seen)


def patch() -> str:
    for by in PATCHES:
        change = json.dumps(annotated(by))
        kubectl("patch", "deployment", "web", f"--type={by}", "--patch", change)
    read = json.loads(kubectl("get", "deployment", "web", "--output=json"))
    return patched_by(read["metadata"].get("annotations"))


def apply() -> str:
    how = ("--server-side", "--field-manager=witness", "--filename=-")
    entry = (
        "{.metadata.managedFields[*].manager} applied it: {.metadata.managedFields[*].operation}"
    )
    shown = ("--show-managed-fields", f"--output=jsonpath={entry}")
    return kubectl("apply", *how, *shown, given=CONFIG_MAP)


def scale() -> str:
    kubectl("scale", "deployment/web", "--replicas=3")
    return _wait_until_ready(3)


def logs() -> str:
    return started(kubectl("logs", _names()[0]))


def execute() -> str:
    return kubectl("exec", "deployment/web", "--", *FORTY_TWO)


def forward_port() -> str:
    with subprocess.Popen(
        [*KUBECTL, "port-forward", "deployment/web", ":3333"],
        stdout=subprocess.PIPE,
        text=True,
    ) as forwarding:
        try:
            assert forwarding.stdout
            said = forwarding.stdout.readline()  # Forwarding from 127.0.0.1:PORT -> 3333
            return answer_at(int(said.partition(" -> ")[0].rpartition(":")[2]))
        finally:
            forwarding.terminate()


def refused() -> str:
    return kubectl("create", "--filename=-", given=DEPLOYMENT)


def delete() -> str:
    kubectl("delete", "deployment", "web", "--cascade=foreground")
    kubectl("wait", "pods", f"--selector={SELECTOR}", "--for=delete", f"--timeout={TIMEOUT_S}s")
    return list_all()


if __name__ == "__main__":
    report(
        {
            "create": create,
            "wait": wait,
            "get": get,
            "list": list_all,
            "list in pages": list_in_pages,
            "watch": watch_changes,
            "patch": patch,
            "apply": apply,
            "scale": scale,
            "logs": logs,
            "exec": execute,
            "port-forward": forward_port,
            "refused": refused,
            "delete": delete,
        }
    )
