"""Every controller of the playground, for whoever runs them."""

from __future__ import annotations

from canarylab.playground.controllers import (
    deployment,
    endpoints,
    endpointslice,
    garbage,
    namespace,
    replicaset,
    scheduler,
)

CONTROLLERS = (
    deployment.controller,
    replicaset.controller,
    scheduler.controller,
    endpointslice.controller,
    endpoints.controller,
    garbage.controller,
    namespace.controller,
)
