from __future__ import annotations

from canarylab.predictions import Predictions


def test_a_share_is_said_in_percent_and_a_count_is_not() -> None:
    told = Predictions()
    assert repr(told.predict("canary share", 0.25)) == "Your prediction for canary share: 25 %."
    assert repr(told.predict("endpoints", 4)) == "Your prediction for endpoints: 4."


def test_the_story_has_every_prediction_with_its_outcome_in_order() -> None:
    told = Predictions()
    told.predict("first", 1)
    told.predict("second", "all")
    told.compare("first", 2)
    assert told.table().rows == [("first", "1", "2"), ("second", "all", "not seen yet")]


def test_a_prediction_said_again_is_changed() -> None:
    told = Predictions()
    told.predict("pods", 3)
    told.predict("pods", 4)
    assert repr(told.compare("pods", 4)) == "You said 4, we saw 4."


def test_seeing_without_predicting_says_so() -> None:
    assert "no prediction for pods" in repr(Predictions().compare("pods", 4))
