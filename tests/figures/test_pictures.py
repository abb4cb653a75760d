"""Every awkward sample makes a picture whose words neither overlap nor leave it."""

from __future__ import annotations

import gc
import itertools
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from canarylab.figures import (
    Picture,
    plot_class_results,
    plot_convergence,
    plot_histogram,
    plot_latency,
    plot_over_time,
    plot_pods,
    plot_samples,
    plot_sweep,
    plot_versions,
)
from canarylab.stats.class_results import LearnersSample, results_of
from canarylab.traffic import RequestResult, Sample, Samples, Sweep
from tests.figures.samples import AWKWARD, versions

WIDTHS = [4.0, 7.2]
NARROWEST_POINTS = 5.5  # inches
SMALLEST_TEXT = 10.0  # points
Draw = Callable[..., Picture]


def side_by_side(sample: Sample, *, width: float) -> Picture:
    return plot_samples(Samples((sample,) * 20), width=max(width, NARROWEST_POINTS))


def sweep(sample: Sample, *, width: float) -> Picture:
    ratios = ((3, 1), (3, 2), (2, 2), (10, 10), (1, 1), (0, 3))
    shares = (0.25, 0.4, 0.5, 0.5, 0.5, 1.0)
    samples = [sample.with_expected({"1.0": 1 - each, "2.0": each}) for each in shares]
    return plot_sweep(Sweep(tuple(samples), ratios), width=max(width, NARROWEST_POINTS))


def looks(sample: Sample, *, width: float) -> Picture:
    return plot_convergence(sample, with_sequence=True, width=width)


def histogram(sample: Sample, *, width: float) -> Picture:
    pieces = Samples.cut(sample, 15) if sample.total >= 15 else Samples((sample,))
    return plot_histogram(pieces, width=width)


def class_results(sample: Sample, *, width: float) -> Picture:
    learners = [LearnersSample(f"learner {number}", sample) for number in range(12)]
    return plot_class_results(results_of(learners), width=width)


LINES = (plot_convergence, plot_over_time, plot_latency, looks, histogram, class_results)
AWKWARD_FOR_LINES = (
    *("three to one", "no hits of the canary", "nothing sent", "nothing answered"),
    *("failures and others", "one kept connection", "long names"),
)
"""Their words do not depend on how many versions or pods there are."""
pictures = pytest.mark.parametrize(
    ("draw", "name"),
    [
        *itertools.product((plot_versions, plot_pods, side_by_side, sweep), AWKWARD),
        *itertools.product(LINES, AWKWARD_FOR_LINES),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
dot_plots = pytest.mark.parametrize(
    "draw", [plot_versions, plot_pods], ids=lambda draw: draw.__name__
)
samples = pytest.mark.parametrize("name", AWKWARD)
widths = pytest.mark.parametrize("width", WIDTHS)


@cache
def drawn(draw: Draw, name: str, width: float = 7.2) -> Picture:
    """The picture of an awkward sample; each is drawn once for all tests."""
    return draw(AWKWARD[name], width=width)


@cache
def texts(figure: Figure) -> list[tuple[Text, Bbox]]:
    """Each text with its place, in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    found = [
        text
        for text in figure.findobj(Text)
        if isinstance(text, Text) and text.get_text() and text.get_visible()
    ]
    return [(text, text.get_window_extent()) for text in found]


def _smaller(box: Bbox) -> Bbox:
    """Without the room for letters that are not there."""
    return box.padded(-0.12 * box.height)


@widths
@pictures
def test_no_two_texts_overlap(draw: Draw, name: str, width: float) -> None:
    found = texts(drawn(draw, name, width).figure)
    over = [
        (one.get_text(), two.get_text())
        for (one, here), (two, there) in itertools.combinations(found, 2)
        if _smaller(here).overlaps(_smaller(there))
    ]
    assert over == []


@widths
@pictures
def test_every_text_is_within_the_picture(draw: Draw, name: str, width: float) -> None:
    figure = drawn(draw, name, width).figure
    page = figure.bbox
    outside = [
        text.get_text()
        for text, box in texts(figure)
        if not (box.x0 >= 0 and box.y0 >= 0 and box.x1 <= page.x1 and box.y1 <= page.y1)
    ]
    assert outside == []


@pictures
def test_no_text_is_small(draw: Draw, name: str) -> None:
    figure = drawn(draw, name).figure
    assert min(float(text.get_fontsize()) for text, _ in texts(figure)) >= SMALLEST_TEXT


@pictures
def test_the_title_is_the_finding(draw: Draw, name: str) -> None:
    picture = drawn(draw, name)
    shown = " ".join(text.get_text() for text in picture.figure.texts)
    assert shown.startswith(picture.title) or "…" in shown


@samples
@dot_plots
def test_the_description_says_type_axis_and_finding(draw: Draw, name: str) -> None:
    picture = drawn(draw, name)
    opening = "Dot plot with intervals; the axis is the share of answers, from 0 % to "
    assert picture.alt.startswith(opening)
    assert f"{picture.title}. " in picture.alt


@samples
def test_the_description_has_every_number(name: str) -> None:
    sample = AWKWARD[name]
    said = plot_versions(sample).alt
    hits = sample.by_version.values() if sample.answered else []
    assert [h for h in hits if f"{h:,} of {sample.answered:,} answers" not in said] == []


def test_the_description_says_where_and_how_it_was_measured() -> None:
    assert plot_versions(versions(30, 10)).alt.endswith(
        "Bars: 95 % Wilson intervals · a new connection for each request · playground."
    )


def test_a_proxy_that_chooses_for_each_request_is_said() -> None:
    picture = plot_versions(AWKWARD["through the API server"])
    assert picture.title == "As expected: version 2.0 answered 25 % of 200 requests, expected 25 %"
    assert picture.alt.endswith(
        "a pod chosen for each request · context student-07@cluster, through the API server's "
        "proxy."
    )


def test_failures_and_other_answers_are_in_the_picture() -> None:
    shown = " ".join(
        text.get_text() for text in plot_versions(AWKWARD["failures and others"]).figure.texts
    )
    assert "7 of 49 requests failed: reset 3, timeout 2, status 503 1 and refused 1." in shown
    assert "Other: the answer named no version." in shown


def test_kept_connections_are_named() -> None:
    assert "1 connection for 200 requests" in plot_versions(AWKWARD["one kept connection"]).alt


def test_the_axis_of_many_pods_is_short_and_says_so() -> None:
    assert "from 0 % to 20 %" in plot_pods(AWKWARD["twenty pods"]).alt


def test_a_page_shows_the_picture_with_its_description() -> None:
    picture = plot_versions(versions(30, 10))
    found = re.search('<img alt="([^"]*)"', picture._repr_html_())
    assert found is not None
    assert unescape(found[1]) == picture.alt


def test_on_a_narrow_page_a_picture_stays_readable_and_can_be_moved_by_keyboard() -> None:
    picture = plot_versions(versions(30, 10))
    shown = picture._repr_html_()
    assert shown.startswith('<div tabindex="0" style="overflow-x:auto"><img ')
    assert f"min-width:{0.8 * picture.width:.0f}px" in shown


def test_a_name_cannot_break_out_of_the_page() -> None:
    picture = plot_versions(Sample.from_versions(['"><script>', "2.0"]).with_expected({"2.0": 1.0}))
    assert "<script>" not in picture._repr_html_()


def test_where_no_picture_can_be_shown_the_words_are() -> None:
    picture = plot_versions(versions(30, 10))
    assert picture._repr_mimebundle_()["text/plain"] == repr(picture) == picture.alt


def test_a_saved_picture_carries_its_words(tmp_path: Path) -> None:
    picture = plot_versions(versions(30, 10))
    with Image.open(picture.save(tmp_path / "split.png")) as saved:
        assert saved.info["Description"] == picture.alt
        assert saved.info["Title"] == picture.title


def test_a_picture_can_be_saved_as_svg_with_its_words(tmp_path: Path) -> None:
    picture = plot_versions(versions(30, 10))
    root = ElementTree.parse(picture.save(tmp_path / "split.svg")).getroot()
    words = "".join(root.itertext())
    assert root.tag.endswith("svg")
    assert picture.title in words
    assert picture.alt in words


def test_the_same_numbers_make_the_same_svg() -> None:
    assert plot_versions(versions(30, 10)).svg == plot_versions(versions(30, 10)).svg


def test_a_picture_is_drawn_for_fine_screens(tmp_path: Path) -> None:
    picture = plot_versions(versions(30, 10))
    with Image.open(picture.save(tmp_path / "split.png")) as saved:
        assert saved.width == pytest.approx(2 * picture.width, abs=1)


def test_the_same_numbers_make_the_same_bytes() -> None:
    assert plot_versions(versions(30, 10)).png == plot_versions(versions(30, 10)).png


def test_a_small_share_is_drawn_again_on_an_axis_of_its_own() -> None:
    picture = plot_versions(versions(396, 4).with_expected({"1.0": 0.99, "2.0": 0.01}))
    main, enlarged = picture.figure.axes
    assert (main.get_xlim()[1], enlarged.get_xlim()[1]) == (1.0, 0.04)
    assert "from 0 % to 100 %, and again to 4 %." in picture.alt


def test_a_large_share_is_drawn_once() -> None:
    assert len(plot_versions(versions(30, 10)).figure.axes) == 1


def markers(picture: Picture) -> list[str]:
    """The shape of each point, those of the key included."""
    shapes = [str(line.get_marker()) for line in picture.figure.axes[0].lines]
    return [shape for shape in shapes if shape != "None"]


def test_an_interval_that_misses_the_expected_share_has_another_shape() -> None:
    assert set(markers(plot_samples(Samples((versions(30, 10),) * 3)))) == {"D"}
    missing = plot_samples(Samples((versions(30, 10), versions(36, 4))))
    assert sorted(set(markers(missing))) == ["D", "X"]


def test_the_axis_of_small_shares_side_by_side_is_short() -> None:
    small = versions(396, 4).with_expected({"1.0": 0.99, "2.0": 0.01})
    picture = plot_samples(Samples((small,) * 20))
    assert "from 0 % to 4 %; dashed line: expected 1 %." in picture.alt


def over_connections(count: int) -> Sample:
    """Forty answers over this many kept connections, which a pod was chosen for."""
    results = [
        RequestResult(float(n), 0.1, "2.0" if n % count == 0 else "1.0", connection=n % count)
        for n in range(40)
    ]
    return Sample("u", tuple(results), datetime.fromtimestamp(0, UTC), 1.0, keep_alive=count)


def words(picture: Picture) -> list[str]:
    return [text.get_text() for text, _ in texts(picture.figure)]


def test_samples_over_kept_connections_are_named_by_their_choices_of_a_pod() -> None:
    drawn = words(plot_samples(Samples((over_connections(1), over_connections(8)))))
    assert {"choices of a pod in the sample", "1", "8"} <= {*drawn}


def test_samples_with_a_new_connection_for_each_request_are_numbered() -> None:
    drawn = words(plot_samples(Samples((versions(30, 10), versions(20, 10)))))
    assert {"number of the sample", "1", "2"} <= {*drawn}


def test_a_sweep_describes_each_ratio() -> None:
    alt = plot_sweep(Sweep((versions(30, 10), versions(30, 10)), ((3, 1), (6, 2)))).alt
    assert (
        "3 : 1: 10 of 40 answers, 25 %, interval 14 % to 40 %, expected 25 %, as expected." in alt
    )
    assert "6 : 2: 10 of 40 answers" in alt


def test_a_picture_of_a_sweep_says_how_it_ended() -> None:
    shown = plot_sweep(Sweep((versions(30, 10),), ((3, 1),), "Interrupted after 1 of 3 ratios."))
    assert "Interrupted after 1 of 3 ratios." in shown.alt


def figures() -> int:
    """How many figures are in memory."""
    return sum(isinstance(each, Figure) for each in gc.get_objects())


@pytest.fixture
def no_automatic_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_automatic_collection")
def test_a_drawn_picture_keeps_no_figure() -> None:
    before = figures()
    pictures = [plot_versions(versions(30, 10)) for _ in range(3)]
    assert all(picture.png for picture in pictures)
    assert figures() == before


def test_pyplot_and_its_state_are_not_touched() -> None:
    script = "import sys, canarylab.figures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
