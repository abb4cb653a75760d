"""A baseline: production's version again, in as many pods as the canary and as new as they are.

A pod that has just started is slower than one that has answered for days: caches are empty, code is
not compiled. Compared with production, a canary looks worse than it is; compared with a baseline it
differs by its version alone (Kayenta, the canary judge of Netflix and Google, compares with one for
that reason: https://netflixtechblog.com/automated-canary-analysis-at-netflix-with-kayenta-3260bc7acc69).
"""

from __future__ import annotations

from copy import deepcopy

from canarylab.manifests import PRODUCTION
from canarylab.release.connection import Connection, Object, explain_api_errors
from canarylab.release.rollout import read_deployment, replicas_of, scale, wait_until_rolled_out
from canarylab.release.stages import delete_deployment

BASELINE = "nodeapp-baseline"


def set_baseline(connection: Connection, replicas: int) -> None:
    """Give the baseline so many pods, and wait for them; it is created if it is missing."""
    if BASELINE in replicas_of(connection):
        scale(connection, BASELINE, replicas)
    else:
        baseline = baseline_of(read_deployment(connection, PRODUCTION), replicas)
        with explain_api_errors(
            f'Deployment "{BASELINE}"', remedy="Look with `kubectl get deployments`."
        ):
            connection.apps.create_namespaced_deployment(connection.namespace, baseline)
    wait_until_rolled_out(connection, BASELINE)


def delete_baseline(connection: Connection) -> bool:
    """Delete it, and wait until its pods are gone; whether it was there."""
    is_there = BASELINE in replicas_of(connection)
    if is_there:
        delete_deployment(connection, BASELINE, env="baseline")
    return is_there


def baseline_of(production: Object, replicas: int) -> Object:
    """A Deployment like production's, with a name, a size and pods of its own.

    >>> pods = {"metadata": {"labels": {"app": "nodeapp", "env": "prod"}}, "spec": {}}
    >>> made = baseline_of({"spec": {"template": pods}}, 1)
    >>> made["spec"]["selector"]
    {'matchLabels': {'app': 'nodeapp', 'env': 'baseline'}}
    """
    template = deepcopy(production["spec"]["template"])
    labels = {**template["metadata"]["labels"], "env": "baseline"}
    template["metadata"]["labels"] = labels
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": BASELINE, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": template,
        },
    }
