"""The playground answers kubectl as real Kubernetes does, word for word."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.conformance import compare, session
from tests.needs import needs
from tests.running_playground import RunningPlayground

CASES = sorted(compare.CASES.glob("*.yaml"))
KNOWN = compare.known_differences()


@pytest.fixture(scope="module")
def answers(
    playground: RunningPlayground, request: pytest.FixtureRequest
) -> Iterator[dict[str, Future[list[session.Answer]]]]:
    """Of each selected case. Most of a case is waiting, so three run side by side.

    Each has a namespace of its own; but those that want the same node port run one after another.
    """
    target = session.Target(playground.kubeconfig, nodeport_url=playground.node_port_url)
    selected = {item.name.partition("[")[2].removesuffix("]") for item in request.session.items}
    with ThreadPoolExecutor(1) as with_node_port, ThreadPoolExecutor(2) as others:
        running = {}
        for path in [path for path in CASES if path.stem in selected]:
            pool = with_node_port if "NodePort" in path.read_text() else others
            running[path.stem] = pool.submit(session.run, session.Case.read(path), target)
        yield running
        with_node_port.shutdown(cancel_futures=True)
        others.shutdown(cancel_futures=True)


@needs("kubectl")
@pytest.mark.parametrize("name", [path.stem for path in CASES])
def test_it_answers_as_real_kubernetes(
    name: str, answers: dict[str, Future[list[session.Answer]]]
) -> None:
    found = compare.differences(compare.recorded(name), answers[name].result())

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
