"""The candidates of lesson 09: canaries with faults that the learner is not shown.

The faults are in the ConfigMap `nodeapp-canary-faults`, which the pods read as their environment.
Their numbers are drawn at random, so that neither the lesson nor this file gives them away.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Literal, get_args

from canarylab.display import Report, no_report
from canarylab.kube_objects import Object
from canarylab.manifests import CANARY, load
from canarylab.release.apply import apply
from canarylab.release.connection import Connection
from canarylab.release.rollout import wait_until_rolled_out

Candidate = Literal["A", "B", "C", "D"]
CONFIG_MAP = "nodeapp-canary-faults"
FAULTS_DIGEST = "canarylab.dev/faults-digest"
"""The annotation of the pods that changes with the ConfigMap: pods read it only at their start."""
_MANIFEST = "09-judge/canary.yaml"


def deploy_candidate(
    connection: Connection,
    candidate: Candidate,
    manifests: Path,
    random: Random,
    report: Report = no_report,
) -> None:
    """Make a candidate the canary, in one pod, and wait for it."""
    faults = draw_faults(candidate, random)
    apply(connection, objects_of(faults, load(manifests / _MANIFEST)[0]))
    wait_until_rolled_out(connection, CANARY, report=report)


def draw_faults(candidate: Candidate, random: Random) -> dict[str, str]:
    """The environment of a candidate; docs/app.md names the variables.

    Production of lesson 09 fails in 1 % of its answers. A fails clearly more often, D up to twice
    as often. B is slow for one in fifty, C has no fault.

    >>> draw_faults("C", Random(1))
    {'ERROR_RATE': '0'}
    """
    match candidate:
        case "A":
            return {"ERROR_RATE": random.choice(["0.06", "0.07", "0.08", "0.09"])}
        case "B":
            # The lesson's limit is twice production's 99th percentile, and through a proxy, on a
            # busy machine, this percentile is up to 0.7 s. The canary's delay has to exceed both.
            return {
                "LATENCY_MS": random.choice(["2200", "2500", "2800"]),
                "LATENCY_JITTER_MS": "200",
                "LATENCY_SHARE": "0.02",
            }
        case "C":
            return {"ERROR_RATE": "0"}
        case "D":
            return {"ERROR_RATE": random.choice(["0.01", "0.015", "0.02"])}
    known = ", ".join(get_args(Candidate))
    raise ValueError(f"There is no candidate {candidate!r}. Choose one of: {known}.")


def objects_of(faults: Mapping[str, str], canary: Object) -> list[Object]:
    """The ConfigMap with the faults, and the canary whose pods have read exactly these.

    >>> made = objects_of({"ERROR_RATE": "0"}, {"spec": {"template": {"metadata": {}}}})
    >>> [each.get("kind") for each in made], made[0]["data"]
    (['ConfigMap', None], {'ERROR_RATE': '0'})
    """
    text = json.dumps(faults, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    template = canary["spec"]["template"]
    metadata = {**template["metadata"], "annotations": {FAULTS_DIGEST: digest}}
    spec = {**canary["spec"], "template": {**template, "metadata": metadata}}
    config_map = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG_MAP, "labels": {"app": "nodeapp"}},
        "data": dict(faults),
    }
    return [config_map, {**canary, "spec": spec}]
