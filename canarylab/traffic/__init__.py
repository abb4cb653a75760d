"""Traffic to a URL, and which version and pod answered each request.

It depends on no cluster, so the playground, a real cluster and any other service are measured in
the same way.
"""

from canarylab.traffic.http import Request
from canarylab.traffic.sample import RequestResult, Sample, pool
from canarylab.traffic.sampler import SamplingPlan, measure, sample, send_requests
from canarylab.traffic.samples import Samples, Sweep

__all__ = [
    "Request",
    "RequestResult",
    "Sample",
    "Samples",
    "SamplingPlan",
    "Sweep",
    "measure",
    "pool",
    "sample",
    "send_requests",
]
