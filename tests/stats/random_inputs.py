"""Random arguments for functions that have to agree with another library."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

over_random_inputs = settings(deadline=None, derandomize=True, max_examples=150)

shares = st.floats(0.001, 0.999)
confidences = st.sampled_from([0.8, 0.9, 0.95, 0.99])
latencies = st.lists(st.floats(0, 60, allow_subnormal=False), min_size=1, max_size=40)
tied_latencies = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=40)


@st.composite
def hits_of_totals(draw: st.DrawFn, most: int = 5000) -> tuple[int, int]:
    """Hits, and the total that they are of."""
    total = draw(st.integers(1, most))
    return draw(st.integers(0, total)), total
