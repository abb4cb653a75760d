"""The text of every lesson keeps to the house's rules for notebooks."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from tests.lessons.read_lessons import (
    LESSONS,
    NOTEBOOKS,
    Heading,
    cells,
    code,
    headings,
    prose,
    without_code_blocks,
    words,
)

TAGS = {"predict", "exercise", "solution", "checkpoint", "raises-exception", "optional"}
LONGEST_CODE = 15  # lines
LONGEST_PROSE = 80  # words
# `{`: the address stands in a variable.
OURS = r"127\.0\.0\.1|localhost|foo\.bar\.com|\{"
MACHINE_PATH = re.compile(r"""(?<![\w:.~/}-])(?:/(?:home|root|Users|mnt)/|[A-Z]:\\)\S+""")
IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<target>[^)\s]+)|<img\b(?P<tag>[^>]*)>")
LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<target>[^)\s]+)\)")

pytestmark = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)


def test_the_first_cell_says_what_why_and_how_long(lesson: Path) -> None:
    first = cells(lesson)[0]
    promises = re.search(r"After this you can:?\n((?:[-*] .+\n?(?: {2}.+\n?)*)+)", first.source)

    assert first.type == "markdown"
    assert [heading.level for heading in headings(first.source)] == [1]
    assert "You will need:" in first.source
    assert re.search(r"about \d+ minutes", first.source, re.IGNORECASE)
    assert promises is not None
    assert len(re.findall(r"^[-*] ", promises[1], re.MULTILINE)) == 3


def test_the_second_cell_is_all_the_set_up_there_is(lesson: Path) -> None:
    imported, *rest = cells(lesson)[1].source.split("\n")

    assert imported in ("from canarylab import Lab", "from canarylab import Lab, check")
    assert rest == ["", "lab = Lab()", "lab"]


def test_there_is_one_title_and_no_heading_is_skipped(lesson: Path) -> None:
    levels = [heading.level for cell in prose(lesson) for heading in headings(cell.source)]
    steps = itertools.pairwise(levels)

    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in steps)


def test_no_two_headings_say_the_same(lesson: Path) -> None:
    said = [heading.text for cell in prose(lesson) for heading in headings(cell.source)]

    assert len(said) == len(set(said))


def test_it_ends_with_what_you_did_what_was_left_out_and_next(lesson: Path) -> None:
    said = [heading for cell in prose(lesson) for heading in headings(cell.source)]

    assert said[-2:] == [Heading(2, "What you did"), Heading(2, "What we left out")]
    assert any(cell.source.split("\n")[-1].startswith("**Next:** ") for cell in prose(lesson)[-3:])


def test_the_lab_is_closed_in_a_cell_of_its_own(lesson: Path) -> None:
    closing = [cell.source for cell in code(lesson) if "lab.close()" in cell.source]

    assert closing == ["lab.close()"]


def test_it_asks_for_predictions_exercises_and_checkpoints(lesson: Path) -> None:
    used = {tag for cell in cells(lesson) for tag in cell.tags}

    assert {"predict", "exercise", "checkpoint"} <= used


def test_every_exercise_has_an_answer(lesson: Path) -> None:
    exercises = [cell for cell in code(lesson) if "exercise" in cell.tags]
    unanswered = [cell.place for cell in exercises if "# solution" not in cell.source]

    assert exercises
    assert unanswered == []


def test_tags_are_the_six_we_know(lesson: Path) -> None:
    assert {tag for cell in cells(lesson) for tag in cell.tags} <= TAGS


def test_code_cells_are_short(lesson: Path) -> None:
    assert [
        cell.place for cell in code(lesson) if len(cell.source.split("\n")) > LONGEST_CODE
    ] == []


def test_prose_cells_are_short(lesson: Path) -> None:
    said = {cell.place: len(words(cell.source)) for cell in prose(lesson)[1:]}

    assert {place: count for place, count in said.items() if count > LONGEST_PROSE} == {}


def test_magics_stand_in_optional_cells_only(lesson: Path) -> None:
    magic = re.compile(r"^\s*[!%]", re.MULTILINE)
    with_magic = [cell for cell in code(lesson) if magic.search(cell.source)]

    assert [cell.place for cell in with_magic if "optional" not in cell.tags] == []
    assert len(with_magic) <= 1


def test_nothing_is_star_imported(lesson: Path) -> None:
    assert [cell.place for cell in code(lesson) if "import *" in cell.source] == []


def test_no_lesson_asks_which_cluster_it_is_on(lesson: Path) -> None:
    asks = re.compile(r"^\s*(?:el)?if\b.*\b(?:kind|playground)\b", re.MULTILINE)

    assert [cell.place for cell in code(lesson) if asks.search(cell.source)] == []


def test_no_path_belongs_to_one_machine(lesson: Path) -> None:
    assert MACHINE_PATH.findall(lesson.read_text()) == []


def test_code_asks_nobody_but_this_machine(lesson: Path) -> None:
    elsewhere = re.compile(rf"https?://(?!{OURS})[^\s\"')]+")

    assert [url for cell in code(lesson) for url in elsewhere.findall(cell.source)] == []


def test_images_have_words_and_are_not_fetched(lesson: Path) -> None:
    for image in IMAGE.finditer("\n".join(cell.source for cell in prose(lesson))):
        assert image["alt"] or re.search(r"""alt=["'][^"']+""", image["tag"] or ""), image[0]
        assert not re.search(r"https?://", image[0]), image[0]


def test_links_say_where_they_go(lesson: Path) -> None:
    vague = {"here", "click here", "this", "link", "this link"}
    links = [link for cell in prose(lesson) for link in LINK.finditer(cell.source)]

    assert [link[0] for link in links if link["text"].lower() in vague] == []


def test_links_within_the_course_lead_somewhere(lesson: Path) -> None:
    """From the learner's folder and from the solved one: so only to other lessons beside it."""
    targets = [link["target"] for cell in prose(lesson) for link in LINK.finditer(cell.source)]
    inside = [target for target in targets if not re.match(r"https?:|#|mailto:", target)]

    for folder in (NOTEBOOKS, NOTEBOOKS / "solved"):
        assert [target for target in inside if not (folder / target).exists()] == []


def test_hints_are_closed_until_asked_for(lesson: Path) -> None:
    for cell in prose(lesson):
        text = without_code_blocks(cell.source)
        assert text.count("<details>") == text.count("</details>") == text.count("<summary>")


def test_no_prediction_is_made_for_the_learner(lesson: Path) -> None:
    lines = [line for cell in code(lesson) for line in cell.source.splitlines()]
    made = [line for line in lines if line.startswith("lab.predict(")]

    assert [
        line for line in made if not re.search(r'^lab\.predict\("[^"]+", \.\.\.[,)]', line)
    ] == []


def test_each_exercise_is_followed_by_its_checkpoint(lesson: Path) -> None:
    tags = [set(cell.tags) & {"exercise", "checkpoint"} for cell in code(lesson)]

    for here, after in itertools.pairwise([*tags, set()]):
        if "exercise" in here:
            assert "checkpoint" in after


def test_only_lessons_that_are_there_are_named(lesson: Path) -> None:
    there = {each.stem[:2] for each in LESSONS}
    named = {
        number for cell in prose(lesson) for number in re.findall(r"lesson (\d+)", cell.source)
    }

    assert named - there == set()


def test_addresses_come_from_commands(lesson: Path) -> None:
    fixed = re.compile(r"(?:127\.0\.0\.1|localhost):(?:32089|8080)")

    assert [cell.source for cell in cells(lesson) if fixed.search(cell.source)] == []
