"""How does the doctor show what was found?"""

from __future__ import annotations

import json

from canarylab.doctor import Diagnosis
from canarylab.doctor.verdicts import Verdict
from canarylab.machine.finding import Finding

PYTHON = Finding("Python", "fine", "Python 3.12.1 (/usr/bin/python3)", "everything")
KIND = Finding("kind", "missing", "kind is not installed", "the kind cluster", "Get it `so`.")
KUBECTL = Finding("kubectl", "note", "kubectl 1.32 is installed", "a terminal", "It works.")
YES = Verdict("playground", can_run=True, why="it needs nothing more")
NO = Verdict("kind", can_run=False, why="in the way: kind")


def test_every_thing_has_a_line_that_begins_with_a_word() -> None:
    said = str(Diagnosis([PYTHON, KIND, KUBECTL], [YES, NO], "A lesson takes the playground"))
    assert said.splitlines() == [
        "fine     Python      Python 3.12.1 (/usr/bin/python3)",
        "missing  kind        kind is not installed",
        "         Needed for the kind cluster. Get it `so`.",
        "note     kubectl     kubectl 1.32 is installed",
        "         It works.",
        "",
        "What can run here:",
        "yes      playground  it needs nothing more",
        "no       kind        in the way: kind",
        "",
        "A lesson takes the playground.",
    ]


def test_no_line_is_wider_than_a_terminal() -> None:
    long = Finding("Docker", "missing", "word " * 40, "thing " * 30, "remedy " * 30)
    assert max(map(len, str(Diagnosis([long], [NO], "a reason " * 30)).splitlines())) < 80


def test_a_command_stays_in_one_piece() -> None:
    command = "`curl -Lo kind https://kind.sigs.k8s.io/dl/v0.33.0/kind-linux-amd64`"
    found = KIND._replace(remedy=f"Get it with {command}, then look.")
    assert command in str(Diagnosis([found], [], ""))


def test_a_long_name_does_not_touch_its_words() -> None:
    found = PYTHON._replace(what="disk for all of kind")
    assert "disk for all of kind Python 3.12.1" in str(Diagnosis([found], [], ""))


def test_json_says_the_same() -> None:
    said = json.loads(json.dumps(Diagnosis([KIND], [YES], "the playground").to_dict()))
    assert said == {
        "findings": [
            {
                "what": "kind",
                "state": "missing",
                "words": "kind is not installed",
                "needed_for": "the kind cluster",
                "remedy": "Get it `so`.",
            }
        ],
        "clusters": [{"cluster": "playground", "can_run": True, "why": "it needs nothing more"}],
        "chosen": "the playground",
    }


def test_one_cluster_that_can_run_is_enough() -> None:
    assert Diagnosis([], [NO, YES], "").can_run
    assert not Diagnosis([], [NO, NO], "").can_run
