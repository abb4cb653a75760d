"""Traffic to a URL, and which version and pod answered each request.

It depends on no cluster, so the playground, a real cluster and any other service are measured in
the same way.
"""

from canarylab.traffic.expectations import Expectation, LeavingPod, Observation
from canarylab.traffic.http import Request, VersionSource
from canarylab.traffic.sample import RequestResult, Sample, pool
from canarylab.traffic.sample_series import Samples, Sweep
from canarylab.traffic.sampler import (
    Progress,
    SampleInterrupted,
    measure,
    sample,
    send_requests,
)
from canarylab.traffic.sampling_plan import SamplingPlan

__all__ = [
    "Expectation",
    "LeavingPod",
    "Observation",
    "Progress",
    "Request",
    "RequestResult",
    "Sample",
    "SampleInterrupted",
    "Samples",
    "SamplingPlan",
    "Sweep",
    "VersionSource",
    "measure",
    "pool",
    "sample",
    "send_requests",
]
