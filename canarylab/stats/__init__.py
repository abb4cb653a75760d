"""Statistics of canary releases: how sure a sample makes one, and what it cannot say.

`shares` holds the interval of an observed share and its agreement with the expected one, `draws`
what chance alone gives, `sample_sizes` how many requests are enough, `sequential` what holds
however often one looks, and `peeking` what happens without it. These use the `math` module alone.
`comparisons` compares two versions, and `class_results` pools the samples of a class; they use
SciPy, which is imported when one of their functions is called.
"""

from canarylab.stats.class_results import ClassResults, pool
from canarylab.stats.comparisons import (
    DifferenceInterval,
    ErrorRate,
    ErrorRateComparison,
    LatencyComparison,
    Uniformity,
    compare_error_rates,
    compare_latencies,
    error_rates,
    latencies,
    newcombe,
    uniformity,
)
from canarylab.stats.draws import (
    KeptConnections,
    LikelyHits,
    draw_probabilities,
    kept_connections,
    likely_hits,
    two_sided_probability,
)
from canarylab.stats.peeking import Peeking, simulate_peeking
from canarylab.stats.sample_sizes import (
    RequestsToCompare,
    requests_to_compare_error_rates,
    requests_to_see_one,
    requests_to_tell_apart,
)
from canarylab.stats.sequential import confidence_sequence, evidence
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
    share_of_all,
    shares,
    summary,
    wilson,
)

__all__ = [
    "COMMONEST",
    "DEFAULT_CONFIDENCE",
    "FEWEST_TRIALS",
    "RAREST",
    "Agreement",
    "ClassResults",
    "DifferenceInterval",
    "ErrorRate",
    "ErrorRateComparison",
    "Finding",
    "Fit",
    "Interval",
    "KeptConnections",
    "LatencyComparison",
    "LikelyHits",
    "Peeking",
    "RequestsToCompare",
    "Share",
    "Source",
    "Uniformity",
    "agreement",
    "compare_error_rates",
    "compare_latencies",
    "confidence_sequence",
    "draw_probabilities",
    "error_rates",
    "evidence",
    "finding",
    "finding_of_samples",
    "finding_of_sweep",
    "interval",
    "intervals",
    "kept_connections",
    "latencies",
    "likely_hits",
    "newcombe",
    "pod_shares",
    "pool",
    "requests_needed",
    "requests_to_compare_error_rates",
    "requests_to_see_one",
    "requests_to_tell_apart",
    "share_of",
    "share_of_all",
    "shares",
    "simulate_peeking",
    "summary",
    "two_sided_probability",
    "uniformity",
    "wilson",
]
