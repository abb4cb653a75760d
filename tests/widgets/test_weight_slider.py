"""The weight slider, moved by code instead of by hand."""

from __future__ import annotations

import re
import threading
from html import unescape
from typing import Any

import pytest

from canarylab.errors import ClusterError, IngressAddressError, TimedOutError
from canarylab.widgets.weight_slider import WeightSlider
from tests.waiting import until
from tests.widgets.controls import controls, failing, html
from tests.widgets.fake_ingresses import FakeCanaryIngresses

INGRESS = "ingress-canary"
TEN = {"weight": 10}
CONTROLS = {
    "Canary weight",
    "Canary weight, typed",
    "Requests to send",
    "Apply",
    "Send requests",
}


@pytest.fixture
def fake() -> FakeCanaryIngresses:
    return FakeCanaryIngresses()


@pytest.fixture
async def slider(fake: FakeCanaryIngresses) -> Any:
    """A slider that has drawn its first picture."""
    shown = WeightSlider(fake, INGRESS, debounce_s=0.01)
    await until(lambda: "answered" in shown.status)
    yield shown
    shown.close()


async def pressed(slider: WeightSlider, label: str) -> None:
    drawn = slider.picture
    controls(slider.view)[label].click()
    await until(lambda: slider.picture is not drawn and "answered" in slider.status)


async def applied(slider: WeightSlider, percent: int, *, label: str = "Canary weight") -> None:
    controls(slider.view)[label].value = percent
    await pressed(slider, "Apply")


async def test_every_control_has_a_label(slider: WeightSlider) -> None:
    assert set(controls(slider.view)) == CONTROLS


async def test_it_begins_with_the_weight_as_it_is_and_a_picture(
    slider: WeightSlider, fake: FakeCanaryIngresses
) -> None:
    assert (slider.chosen, slider.applied, fake.calls) == (TEN, TEN, ["sample / 200"])
    assert slider.picture is not None


async def test_applying_sets_the_weight_and_then_measures(
    slider: WeightSlider, fake: FakeCanaryIngresses
) -> None:
    await applied(slider, 50)
    assert fake.calls[1:] == ["set ingress-canary 50", "sample / 200"]


async def test_a_number_field_does_what_its_slider_does(
    slider: WeightSlider, fake: FakeCanaryIngresses
) -> None:
    await applied(slider, 50, label="Canary weight, typed")
    assert fake.percent == controls(slider.view)["Canary weight"].value == 50


async def test_moving_the_slider_changes_nothing_and_says_so(
    slider: WeightSlider, fake: FakeCanaryIngresses
) -> None:
    for percent in (20, 50, 80):
        controls(slider.view)["Canary weight"].value = percent
    await until(lambda: slider.status.startswith("Chosen: the weight is 80 of 100."))
    assert fake.calls == ["sample / 200"]


async def test_the_picture_has_the_expected_share_beside_the_observed(slider: WeightSlider) -> None:
    await applied(slider, 50)
    assert slider.picture is not None
    assert slider.picture.alt.count("expected 50 %, as expected") == 2
    assert slider.picture.alt in unescape(html(slider.view))


async def test_the_status_says_what_was_seen(slider: WeightSlider) -> None:
    await applied(slider, 50)
    assert re.search(
        r"version 2\.0 answered \S+ % of 200 requests, expected 50 %\.$", slider.status
    )


async def test_commands_are_listed_in_order_with_the_number_of_requests(
    slider: WeightSlider,
) -> None:
    controls(slider.view)["Requests to send"].value = 40
    await applied(slider, 35)
    annotation = "nginx.ingress.kubernetes.io/canary-weight=35"
    assert slider.commands == [
        "curl / 200",
        f"kubectl annotate --overwrite ingress ingress-canary {annotation}",
        "curl / 40",
    ]


async def test_as_many_requests_are_sent_as_the_field_says(
    slider: WeightSlider, fake: FakeCanaryIngresses
) -> None:
    controls(slider.view)["Requests to send"].value = 40
    await pressed(slider, "Send requests")
    assert fake.calls[1:] == ["sample / 40"]


async def test_an_error_is_shown_and_everything_works_again(
    slider: WeightSlider, fake: FakeCanaryIngresses
) -> None:
    fake.before_setting = failing(TimedOutError("The controller is silent. Look at its events."))
    controls(slider.view)["Canary weight"].value = 50
    controls(slider.view)["Apply"].click()
    await until(lambda: slider.status.startswith("This did not work. The controller is silent."))
    assert slider.applied == TEN
    fake.before_setting = lambda: None
    await applied(slider, 50)


async def test_after_a_failed_sample_no_earlier_picture_is_shown(
    slider: WeightSlider, fake: FakeCanaryIngresses
) -> None:
    fake.before_sampling = failing(KeyError("spec"))
    controls(slider.view)["Canary weight"].value = 50
    controls(slider.view)["Apply"].click()
    await until(lambda: slider.status == "This did not work. KeyError('spec').")
    assert (slider.applied, slider.picture) == ({"weight": 50}, None)
    assert "<img" not in html(slider.view)


async def test_without_an_address_the_weight_is_known_and_set_and_no_request_is_sent(
    fake: FakeCanaryIngresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_address = failing(IngressAddressError("No Ingress reports an address. Wait."))
    monkeypatch.setattr(fake, "sampling_command", lambda *_, **__: no_address())
    slider = WeightSlider(fake, INGRESS, debounce_s=0.01)
    said = "No request was sent. No Ingress reports an address. Wait."
    await until(lambda: slider.status == said)
    assert repr(slider) == f"Weight slider: the weight is 10 of 100. {said}"
    controls(slider.view)["Canary weight"].value = 50
    controls(slider.view)["Apply"].click()
    await until(lambda: slider.applied == {"weight": 50})
    slider.close()
    assert fake.calls == ["set ingress-canary 50"]


async def test_a_missing_canary_ingress_is_shown_until_it_is_there(
    fake: FakeCanaryIngresses,
) -> None:
    fake.before_reading = failing(ClusterError('Ingress "ingress-canary" is not there. Apply it.'))
    slider = WeightSlider(fake, INGRESS, debounce_s=0.01)
    await until(lambda: "is not there" in slider.status)
    fake.before_reading = lambda: None
    await applied(slider, 50)
    slider.close()
    assert fake.percent == 50


async def test_without_a_front_end_it_prints_what_it_shows(slider: WeightSlider) -> None:
    await applied(slider, 50)
    shown = slider._repr_mimebundle_()
    assert shown["text/plain"] == f"Weight slider: the weight is 50 of 100. {slider.status}"
    parts = ("<img alt=", "canary-weight=50", "the weight is 50 of 100")
    assert all(part in shown["text/html"] for part in parts)


async def test_a_front_end_gets_the_live_slider(slider: WeightSlider) -> None:
    assert "application/vnd.jupyter.widget-view+json" in slider._repr_mimebundle_()


async def test_a_closed_slider_leaves_no_thread(fake: FakeCanaryIngresses) -> None:
    WeightSlider(fake, INGRESS).close()
    assert "weight slider" not in {thread.name for thread in threading.enumerate()}
