"""What differs from run to run is replaced; everything else stays."""

from __future__ import annotations

import pytest

from tests.conformance.normalize import normalized_line, normalized_lines, normalized_tree


@pytest.mark.parametrize(
    ("answer", "normalized"),
    [
        ("nodeapp-canary-5d8bf49c7b-x2klm", "nodeapp-canary-<hash>-<id>"),
        ("replicaset.apps/nodeapp-canary-5d8bf49c7b", "replicaset.apps/nodeapp-canary-<hash>"),
        ("pod-template-hash=5d8bf49c7b", "pod-template-hash=<hash>"),
        ("nodeapp-svc-fq7bz", "nodeapp-svc-<id>"),
        ("10.244.0.17:3333", "<ip>:3333"),
        ("2m13s", "<age>"),
        ("(x3 over 41s)", ""),
        ("Sun, 22 Nov 2026 10:11:12 +0000", "<time>"),
        ("2026-11-22T10:11:12Z", "<time>"),
        ("namespace conf-01-production", "namespace <ns>"),
        ("3/3     3            3", "3/3  3  3"),
    ],
)
def test_what_differs_from_run_to_run_is_replaced(answer: str, normalized: str) -> None:
    assert normalized_line(answer, "conf-01-production") == normalized


@pytest.mark.parametrize(
    "said", ["nodeapp-production", "--replicas=3", "25% max surge", "node_app:1.0", "delay=0s"]
)
def test_the_answer_stays(said: str) -> None:
    assert normalized_line(said, "conf-01-production") == said


def test_rows_of_a_table_are_in_order_below_its_head() -> None:
    assert normalized_lines("NAME   READY\nb   1/1\na   1/1\n", "default") == [
        "NAME  READY",
        "a  1/1",
        "b  1/1",
    ]


def test_lines_of_prose_keep_their_order() -> None:
    assert normalized_lines("second\nfirst\n", "default") == ["second", "first"]


def test_addresses_in_a_list_have_no_order() -> None:
    assert normalized_lines("10.0.0.2:80,10.0.0.1:3333", "default") == ["<ip>:3333,<ip>:80"]


def test_lines_of_kubectl_s_own_log_are_dropped() -> None:
    log = "I1122 10:11:12 log.go:25] Unknown stream id 1, discarding message"
    assert normalized_lines(f"42\n{log}", "default") == ["42"]


def test_events_are_left_out_where_the_case_says_so() -> None:
    described = "Name:  a\nEvents:\n  Type  Reason\n  Normal  Scaled\nName:  b"

    assert normalized_lines(described, "default", frozenset({"no-events"})) == [
        "Name:  a",
        "Name:  b",
    ]


def test_an_object_keeps_what_was_asked_for() -> None:
    said = {
        "metadata": {"uid": "5", "name": "nodeapp"},
        "spec": {"volumes": [{"name": "kube-api-access-x"}], "replicas": 3},
    }

    assert normalized_tree(said, "default") == {
        "metadata": {"name": "nodeapp"},
        "spec": {"replicas": 3},
    }
