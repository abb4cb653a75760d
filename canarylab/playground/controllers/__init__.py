"""The controllers of the playground."""

from __future__ import annotations

from canarylab.playground.controllers import (
    deployment,
    garbage_collector,
    job,
    namespace,
    replicaset,
    scheduler,
    service_endpoints,
)

CONTROLLERS = (
    deployment.controller,
    replicaset.controller,
    job.controller,
    scheduler.controller,
    service_endpoints.slices_controller,
    service_endpoints.endpoints_controller,
    garbage_collector.controller,
    namespace.controller,
)
