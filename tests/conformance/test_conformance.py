"""The playground answers kubectl as real Kubernetes does, word for word."""

from __future__ import annotations

import pytest

from tests.conformance import compare, session
from tests.needs import needs
from tests.running_playground import RunningPlayground

CASES = sorted(path.stem for path in compare.CASES.glob("*.yaml"))
KNOWN = compare.known_differences()


@needs("kubectl")
@pytest.mark.parametrize("name", CASES)
def test_it_answers_as_real_kubernetes(name: str, playground: RunningPlayground) -> None:
    case = session.Case.read(compare.CASES / f"{name}.yaml")
    answers = session.run(
        case, session.Target(playground.kubeconfig, nodeport_url=playground.node_port_url)
    )
    found = compare.differences(compare.recorded(name), answers)

    known = {entry["step"] for entry in KNOWN.get(name, [])}
    assert [str(each) for each in found if each.step not in known] == []
    assert known - {each.step for each in found} == set(), "agree now: take them off the list"


def test_each_known_difference_names_a_step_and_a_reason() -> None:
    listed = [(name, entry) for name, entries in KNOWN.items() for entry in entries]
    named = {(name, entry["step"]): entry["run"] for name, entry in listed}
    steps = {
        (name, step): answer.run
        for name in KNOWN
        for step, answer in enumerate(compare.recorded(name), start=1)
    }

    assert all(entry["why"] for _, entry in listed)
    assert named == {place: steps.get(place) for place in named}
