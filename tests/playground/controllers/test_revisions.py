from __future__ import annotations

import pytest

from canarylab.playground.controllers.revisions import (
    CEILING,
    DESIRED,
    HISTORY,
    REVISION,
    born,
    expendable,
    newest,
    revision,
    sized,
    stamped,
)
from canarylab.playground.controllers.template_hash import LABEL
from canarylab.playground.kube.api import Object
from canarylab.playground.kube.objects import is_controlled_by
from tests.playground.controllers.world import deployment, meta, replica_set, template

WEB = meta(deployment(3), uid="d-1", generation=1)
OTHER = template("node_app:2.0")


def numbered(number: int, *, history: str | None = None, replicas: int = 0) -> Object:
    own = {REVISION: str(number)} | ({HISTORY: history} if history else {})
    at_rest = {"replicas": replicas, "observedGeneration": 1}
    one = meta(replica_set(replicas, f"web-{number}"), annotations=own, generation=1)
    return {**one, "status": at_rest}


def marks(obj: Object) -> dict[str, str]:
    return dict(obj["metadata"]["annotations"])


def test_the_newest_is_the_one_of_the_current_template_however_old() -> None:
    first = meta(replica_set(name="web-1"), creationTimestamp="2026-11-22T21:00:00Z")
    second = meta(
        replica_set(name="web-2", template=OTHER), creationTimestamp="2026-11-22T22:00:00Z"
    )
    assert newest(WEB, [second, first]) == (first, [second])


def test_of_two_with_the_same_template_the_older_is_the_newest() -> None:
    one = meta(replica_set(name="web-1"), creationTimestamp="2026-11-22T21:00:00Z")
    two = meta(replica_set(name="web-2"), creationTimestamp="2026-11-22T22:00:00Z")
    assert newest(WEB, [two, one]) == (one, [two])


def test_there_is_none_before_the_first_rollout() -> None:
    old = replica_set(template=OTHER)
    assert newest(WEB, [old]) == (None, [old])


def test_a_new_one_is_named_and_labelled_by_the_hash() -> None:
    new = born(WEB, [], size=3, ceiling=4)
    own_hash = new["metadata"]["labels"][LABEL]
    assert new["metadata"]["name"] == f"web-{own_hash}"
    assert new["spec"]["selector"]["matchLabels"][LABEL] == own_hash
    assert new["spec"]["template"]["metadata"]["labels"][LABEL] == own_hash
    assert is_controlled_by(new, WEB)


def test_a_new_one_carries_the_next_number_and_what_was_wanted() -> None:
    new = born(WEB, [numbered(1), numbered(4)], size=1, ceiling=4)
    assert marks(new) == {REVISION: "5", DESIRED: "3", CEILING: "4"}
    assert new["spec"]["replicas"] == 1


def test_after_a_collision_the_name_is_another() -> None:
    collided = {**WEB, "status": {"collisionCount": 1}}
    names = {born(one, [], size=1, ceiling=1)["metadata"]["name"] for one in (WEB, collided)}
    assert len(names) == 2


def test_the_deployments_annotations_go_along_but_not_the_ones_of_its_own() -> None:
    own = {"kubectl.kubernetes.io/last-applied-configuration": "{}", REVISION: "7"}
    web = meta(WEB, annotations={**own, "kubernetes.io/change-cause": "version 2.0"})
    assert marks(stamped(numbered(1), web, [])) == {
        REVISION: "1",
        "kubernetes.io/change-cause": "version 2.0",
    }


def test_who_comes_back_gets_the_next_number_and_remembers_the_old() -> None:
    back = stamped(numbered(2), WEB, [numbered(1), numbered(3)])
    assert marks(back) == {REVISION: "4", HISTORY: "2"}


def test_who_comes_back_again_remembers_both() -> None:
    back = stamped(numbered(4, history="2"), WEB, [numbered(5)])
    assert marks(back)[HISTORY] == "2,4"


def test_a_long_history_forgets_its_beginning() -> None:
    long = ",".join(str(number) for number in range(1000, 1400))
    history = marks(stamped(numbered(1400, history=long), WEB, [numbered(1500)]))[HISTORY]
    assert history.endswith(",1399,1400")
    assert 1990 < len(history) <= 2000


def test_what_is_stamped_stays_as_it_is() -> None:
    once = stamped(numbered(2), WEB, [numbered(1)])
    assert stamped(once, WEB, [numbered(1)]) == once


@pytest.mark.parametrize("patience_s", [0, 5])
def test_the_time_of_proof_goes_along(patience_s: int) -> None:
    web = deployment(3, minReadySeconds=patience_s)
    assert stamped(numbered(1), web, [])["spec"].get("minReadySeconds", 0) == patience_s


def test_another_size_is_noted_with_what_was_wanted() -> None:
    other = sized(numbered(1), WEB, size=2, ceiling=4)
    assert other["spec"]["replicas"] == 2
    assert marks(other) == {REVISION: "1", DESIRED: "3", CEILING: "4"}


@pytest.mark.parametrize("limit", range(5))
def test_of_the_history_the_lowest_numbers_go(limit: int) -> None:
    olds = [numbered(number) for number in (3, 1, 4, 2)]
    going = sorted(map(revision, expendable(olds, limit)))
    assert going == list(range(1, 5 - limit))


def test_none_goes_that_still_has_pods_or_was_not_seen_yet() -> None:
    unseen = meta(numbered(2), generation=2)
    assert expendable([numbered(1, replicas=1), unseen, numbered(3)], 0) == [numbered(3)]


def test_what_carries_no_number_counts_as_nothing() -> None:
    assert revision(replica_set()) == 0
    assert revision(meta(replica_set(), annotations={REVISION: "seven"})) == 0
