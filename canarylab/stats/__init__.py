"""Statistics of canary releases: how sure a sample makes one, and what it cannot say.

`shares` holds the interval of an observed share and its agreement with the expected one. It uses
the `math` module alone.
"""

from canarylab.stats.shares import (
    COMMONEST,
    DEFAULT_CONFIDENCE,
    FEWEST_TRIALS,
    RAREST,
    Agreement,
    Finding,
    Fit,
    Interval,
    Share,
    Source,
    agreement,
    finding,
    finding_of_samples,
    finding_of_sweep,
    interval,
    intervals,
    pod_shares,
    requests_needed,
    share_of,
    shares,
    summary,
    two_sided_probability,
    wilson,
)

__all__ = [
    "COMMONEST",
    "DEFAULT_CONFIDENCE",
    "FEWEST_TRIALS",
    "RAREST",
    "Agreement",
    "Finding",
    "Fit",
    "Interval",
    "Share",
    "Source",
    "agreement",
    "finding",
    "finding_of_samples",
    "finding_of_sweep",
    "interval",
    "intervals",
    "pod_shares",
    "requests_needed",
    "share_of",
    "shares",
    "summary",
    "two_sided_probability",
    "wilson",
]
