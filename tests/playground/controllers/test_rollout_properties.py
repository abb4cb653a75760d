"""A rolling update keeps its bounds and ends, whichever pods become available first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from canarylab.playground.controllers.rollout import (
    Replicas,
    ReplicaSetSize,
    resolve_limits,
    scale_down_old,
    scale_proportionally,
    scale_up_new,
)
from tests.properties import with_examples

replicas = st.integers(1, 30)
amounts = st.one_of(st.integers(0, 30), st.integers(0, 100).map(lambda share: f"{share}%"))
ROUNDS = 300


@with_examples(80)
@given(replicas, amounts, amounts, st.data())
def test_an_update_keeps_its_bounds_and_ends(
    wanted: int, surge: int | str, unavailable: int | str, data: st.DataObject
) -> None:
    limits = resolve_limits(wanted, max_surge=surge, max_unavailable=unavailable)
    lowest, highest = wanted - limits.max_unavailable, wanted + limits.max_surge
    old_ready = data.draw(st.integers(0, wanted))
    new, old = Replicas(0, 0), Replicas(wanted, old_ready)
    for _ in range(ROUNDS):
        before = new.available + old.available
        new = new._replace(desired=scale_up_new(wanted, new, [old], limits))
        [left] = scale_down_old(wanted, new, [old], limits)
        old = Replicas(left, min(left, old.available))  # those that are not available go first
        assert new.available + old.available >= min(before, lowest)
        assert new.desired + old.desired <= max(highest, wanted)
        if new.desired == new.available == wanted and not old.desired:
            return
        became = data.draw(st.integers(0, new.desired - new.available))
        if became == 0 and (new.available < new.desired):
            became = 1  # a pod becomes available at some time
        new = new._replace(available=new.available + became)
    raise AssertionError(f"not over after {ROUNDS} rounds: {new}, {old}, {limits}")


@with_examples(80)
@given(replicas, amounts, amounts)
def test_the_limits_let_an_update_go_on(
    wanted: int, surge: int | str, unavailable: int | str
) -> None:
    limits = resolve_limits(wanted, max_surge=surge, max_unavailable=unavailable)
    assert limits.max_surge >= 0
    assert 0 <= limits.max_unavailable <= wanted
    assert limits.max_surge + limits.max_unavailable > 0


@with_examples(80)
@given(
    st.integers(0, 60),
    st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 30)).map(lambda pair: ReplicaSetSize(*pair)),
        min_size=1,
        max_size=5,
    ),
)
def test_a_proportional_scale_comes_to_what_is_allowed(
    allowed: int, sizes: list[ReplicaSetSize]
) -> None:
    scaled = scale_proportionally(allowed, sizes)
    assert all(size >= 0 for size in scaled)
    assert sum(scaled) >= allowed
    if scaled[0]:
        assert sum(scaled) == allowed
