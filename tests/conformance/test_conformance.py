"""The playground answers kubectl as real Kubernetes does, word for word."""

from __future__ import annotations

import pytest

from tests.conformance import compare, session
from tests.needs import needs
from tests.running_playground import RunningPlayground

AGREED = (
    "01-production",
    "02-service",
    "03-canary-and-scale",
    "04-ingress",
    "05-refused",
    "06-rollout",
    "09-deleting",
    "13-gateway",
)
"""The other cases are for `python -m tests.conformance` until they agree too."""


@needs("kubectl")
@pytest.mark.parametrize("name", AGREED)
def test_it_answers_as_real_kubernetes(name: str, playground: RunningPlayground) -> None:
    case = session.Case.read(compare.CASES / f"{name}.yaml")
    answers = session.run(case, session.Target(playground.kubeconfig))

    assert [str(found) for found in compare.differences(compare.recorded(name), answers)] == []
