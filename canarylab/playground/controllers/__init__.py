"""The controllers of the playground."""

from __future__ import annotations

from canarylab.playground.controllers import (
    autoscaler,
    deployment,
    disruption_budget,
    garbage_collector,
    job,
    namespace,
    replicaset,
    scheduler,
    service_endpoints,
    slice_mirroring,
)

CONTROLLERS = (
    deployment.controller,
    replicaset.controller,
    job.controller,
    autoscaler.controller,
    disruption_budget.controller,
    scheduler.controller,
    service_endpoints.slices_controller,
    service_endpoints.endpoints_controller,
    slice_mirroring.controller,
    garbage_collector.controller,
    namespace.controller,
)
