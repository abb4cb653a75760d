"""Requests to an address, and who answered them.

It takes a URL and gives back version labels. It knows nothing of clusters, so it measures the
playground, a real cluster or any service of the reader's own in the same way.
"""

from canarylab.traffic.blocking import measure, sample
from canarylab.traffic.plan import Plan
from canarylab.traffic.request import Request
from canarylab.traffic.sample import Answer, Sample, pool
from canarylab.traffic.sampler import send

__all__ = ["Answer", "Plan", "Request", "Sample", "measure", "pool", "sample", "send"]
