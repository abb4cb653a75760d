"""Predictions: what is noted, what is asked back, what is compared, and what survives."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from canarylab.predictions import Predictions, Value, notebook_path
from canarylab.traffic import Sample

LOADED = "from pathlib import Path; from canarylab.predictions import Predictions; "


def forty(canaries: int) -> Sample:
    """Forty requests to three pods of version 1.0 and one of version 2.0."""
    sample = Sample.from_versions(["2.0"] * canaries + ["1.0"] * (40 - canaries))
    pods = dict.fromkeys(("a", "b", "c", "d"), 0.25)
    return replace(sample, expected={"1.0": 0.75, "2.0": 0.25}, expected_pods=pods)


@pytest.mark.parametrize(
    ("question", "value", "shown"),
    [
        ("canary share", 0.25, "25 %"),
        ("canary share", "25 %", "25 %"),
        ("canary share", "0.25", "25 %"),
        ("canary share", ".25", "25 %"),
        ("canary share", "12.5%", "12.5 %"),
        ("Share at 3 : 2", 0.4, "40 %"),
        ("canary share", 1, "100 %"),
        ("canary share", 0, "0 %"),
        ("endpoints", 4, "4"),
        ("requests", 1537, "1,537"),
        ("width", 0.3162, "0.316"),
        ("which pod", "the youngest", "the youngest"),
    ],
)
def test_a_share_is_shown_in_percent_and_anything_else_as_it_is(
    question: str, value: Value, shown: str
) -> None:
    said = Predictions().predict(question, value)

    assert repr(said) == f"Your prediction for {question}: {shown}."


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        (25, "25 is more than 1. Do you mean 25 %, so 0.25?"),
        (1.5, "1.5 is more than 1. Do you mean 1.5 %, so 0.015?"),
        (-0.1, '-0.1 is not a share. Write a number from 0 to 1, or "25 %".'),
        (250, '250 is not a share. Write a number from 0 to 1, or "25 %".'),
        ("a quarter", "'a quarter' is not a share. Write a number from 0 to 1, or \"25 %\"."),
        (True, 'True is not a share. Write a number from 0 to 1, or "25 %".'),
        (float("nan"), 'nan is not a share. Write a number from 0 to 1, or "25 %".'),
    ],
)
def test_what_is_no_share_is_asked_back_and_not_noted(value: Value, asked: str) -> None:
    predictions = Predictions()

    assert repr(predictions.predict("canary share", value)) == f"This is not noted: {asked}"
    assert "no prediction" in repr(predictions.compare("canary share", 0.25))


@pytest.mark.parametrize("value", [True, [3], None, float("inf"), ""])
def test_what_is_neither_a_number_nor_a_word_is_not_noted(value: Value) -> None:
    assert "This is not noted: " in repr(Predictions().predict("endpoints", value))


def test_a_choice_is_one_of_those_that_are_named() -> None:
    predictions = Predictions()

    assert repr(predictions.predict("steps", " ALL ", ("none", "some", "all"))) == (
        "Your prediction for steps: all."
    )
    assert repr(predictions.predict("steps", "most", ("none", "some", "all"))) == (
        "This is not noted: 'most' is not one of the choices. Write one of: none, some, all."
    )


@pytest.mark.parametrize("value", [201, -1, 0.5, "fifty", True, None, [50], float("nan")])
def test_where_a_whole_number_is_meant_anything_else_is_asked_back(value: Value) -> None:
    assert repr(Predictions().predict("answers", value, range(201))) == (
        f"This is not noted: {value!r} is not a whole number from 0 to 200. Write such a number, "
        "without quotes."
    )


@pytest.mark.parametrize("value", [50, 50.0, "50", " 50 ", Fraction(50)])
def test_a_whole_number_may_be_written_in_several_ways(value: Value) -> None:
    noted = Predictions().predict("answers", value, range(201))

    assert repr(noted) == "Your prediction for answers: 50."


def test_dots_ask_for_a_whole_number_where_one_is_meant() -> None:
    assert "Write a whole number from 0 to 9 in place" in repr(
        Predictions().predict("endpoints", ..., range(10))
    )


def test_of_a_sample_the_answers_are_counted_if_no_share_is_asked_for() -> None:
    predictions = Predictions()
    predictions.predict("answers of version 2.0", 10)

    assert repr(predictions.compare("answers of version 2.0", forty(13))) == (
        "You said 10, and that is right.\n"
        "Expected: 10 (1 of 4 ready pods runs version 2.0).\n"
        "Seen: 13 of 40 requests."
    )


def test_dots_are_no_prediction_and_take_an_earlier_one_back() -> None:
    predictions = Predictions()
    predictions.predict("canary share", 0.5)

    assert repr(predictions.predict("canary share", ...)) == (
        'No prediction for "canary share" yet. Write a number from 0 to 1 in place of the three '
        "dots."
    )
    assert repr(predictions.compare("canary share", forty(10))) == (
        "You made no prediction for canary share.\n"
        "Expected: 25 % (1 of 4 ready pods runs version 2.0).\n"
        "Seen: 10 of 40 requests, 25 %, interval 14 % to 40 %."
    )


def test_the_comparison_says_prediction_expectation_and_sample() -> None:
    predictions = Predictions()
    predictions.predict("canary share", 0.5)

    assert repr(predictions.compare("canary share", forty(11))) == (
        "You said 50 %.\n"
        "Expected: 25 % (1 of 4 ready pods runs version 2.0).\n"
        "Seen: 11 of 40 requests, 28 %, interval 16 % to 43 %."
    )


def test_a_right_prediction_is_right_after_an_unlucky_draw() -> None:
    predictions = Predictions()
    predictions.predict("canary share", "25 %")

    said = repr(predictions.compare("canary share", forty(18)))

    assert said.startswith("You said 25 %, and that is right.\n")
    assert said.endswith("31 % to 60 %: an unlucky draw, about once in 180.")


def test_a_wrong_prediction_inside_the_interval_is_not_excluded_by_the_sample() -> None:
    predictions = Predictions()
    predictions.predict("canary share", 0.3)

    assert "this sample alone does not exclude it" in repr(
        predictions.compare("canary share", forty(10))
    )


@pytest.mark.parametrize(("value", "is_right"), [(0.33, True), (1 / 3, True), (0.34, False)])
def test_a_share_that_is_rounded_to_whole_percent_is_right(value: float, is_right: bool) -> None:
    predictions = Predictions()
    predictions.predict("canary share", value)

    assert (
        "is right" in repr(predictions.compare("canary share", 0.3, expected=1 / 3))
    ) is is_right


@pytest.mark.parametrize(
    ("value", "expected", "is_right"),
    [(0.3, 0.32, True), (1 / 3, 0.32, True), (0.5, 0.32, False), (20, 19, False), (19.0, 19, True)],
)
def test_a_number_with_decimals_may_be_about_right_and_a_whole_number_not(
    value: float, expected: float, is_right: bool
) -> None:
    predictions = Predictions()
    predictions.predict("width", value)

    assert ("is right" in repr(predictions.compare("width", 0.3, expected=expected))) is is_right


def test_a_sample_without_an_answer_is_said() -> None:
    predictions = Predictions()
    predictions.predict("canary share", 0.25)

    assert "Seen: no request was answered." in repr(
        predictions.compare("canary share", Sample.from_versions([]))
    )


def test_without_an_expectation_what_was_seen_decides() -> None:
    predictions = Predictions()
    predictions.predict("first", 3)
    predictions.predict("second", 3)

    assert repr(predictions.compare("first", 3)) == "You said 3, and that is right.\nSeen: 3."
    assert repr(predictions.compare("second", 4)) == "You said 3.\nSeen: 4."


def test_the_table_has_every_prediction_with_its_outcome_in_order() -> None:
    predictions = Predictions()
    predictions.predict("first", 1)
    predictions.predict("canary share", 0.5)
    predictions.compare("first", 2, expected=2, why="one each")

    assert predictions.table().rows == [
        ("first", "1", "2 (one each)", "2"),
        ("canary share", "50 %", "-", "not yet"),
    ]
    assert repr(Predictions().table()) == "You made no predictions since the kernel started."


def test_predictions_are_there_in_the_next_kernel(tmp_path: Path) -> None:
    file = tmp_path / "predictions" / "03-canary.json"
    first = f"{LOADED} Predictions(Path({str(file)!r})).predict('canary share', 0.25)"
    subprocess.run([sys.executable, "-c", first], check=True)

    assert repr(Predictions(file).compare("canary share", 0.25)) == (
        "You said 25 %, and that is right.\nSeen: 25 %."
    )
    assert len(Predictions(file).table().rows) == 1


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"a": 1}', '{"a": {"unknown": 1}}', '{"a": {"value": [1]}}', "\x00"]
)
def test_a_file_that_cannot_be_read_is_kept_and_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "lesson.json"
    file.write_text(text)

    predictions = Predictions(file)

    assert "lesson.unreadable" in repr(predictions.predict("endpoints", 4))
    assert (tmp_path / "lesson.unreadable").read_text() == text
    assert "endpoints" in json.loads(file.read_text())


def test_a_second_file_that_cannot_be_read_does_not_replace_the_first(tmp_path: Path) -> None:
    file = tmp_path / "lesson.json"
    for text in ("first", "second"):
        file.write_text(text)
        Predictions(file)

    assert (tmp_path / "lesson.unreadable").read_text() == "first"
    assert (tmp_path / "lesson.unreadable1").read_text() == "second"


def test_a_file_that_can_be_neither_read_nor_moved_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied", str(self), str(target))

    file = tmp_path / "lesson.json"
    file.write_text("{")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", refuse)
        predictions = Predictions(file)

    assert "kept until the kernel restarts" in repr(predictions.predict("endpoints", 4))
    assert file.read_text() == "{"


def test_a_folder_that_cannot_be_written_is_named_and_nothing_stops(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    predictions = Predictions(tmp_path / "file" / "lesson.json")

    assert "cannot be written" in repr(predictions.predict("endpoints", 4))
    assert "that is right" in repr(predictions.compare("endpoints", 4))


def test_a_kernel_of_jupyter_or_vs_code_names_its_notebook() -> None:
    assert notebook_path({"JPY_SESSION_NAME": "/n/03-canary.ipynb"}, {}) == Path(
        "/n/03-canary.ipynb"
    )
    assert notebook_path({}, {"__vsc_ipynb_file__": "/w/a.ipynb"}) == Path("/w/a.ipynb")
    assert notebook_path({}, {}) is None


def test_what_a_second_kernel_noted_is_kept(tmp_path: Path) -> None:
    first, second = Predictions(tmp_path / "two.json"), Predictions(tmp_path / "two.json")

    first.predict("one", 1)
    second.predict("two", 2)

    assert {"one", "two"} == set(json.loads((tmp_path / "two.json").read_text()))


def test_a_number_of_another_type_is_a_number() -> None:
    assert repr(Predictions().predict("share", Fraction(1, 4))).endswith("25 %.")  # type: ignore[arg-type]


@pytest.mark.parametrize("seen", [float("nan"), float("inf"), 10**400, None])
def test_nothing_that_is_seen_stops_a_notebook(seen: float) -> None:
    predictions = Predictions()
    predictions.predict("endpoints", 4)

    assert repr(predictions.compare("endpoints", seen)).startswith("You said 4.")


def test_without_an_expected_value_the_reason_has_a_line_of_its_own() -> None:
    said = Predictions().compare("false alarms", 0.3, why="each look is another chance")
    assert repr(said).splitlines()[-1] == "Why: each look is another chance."
    assert "Expected" not in repr(said)
