"""The glossary has the words that the lessons explain, with the lesson that explains each first."""

from __future__ import annotations

import re

from tests.lessons.read_lessons import LESSONS, NOTEBOOKS, prose

BOLD = re.compile(r"\*\*([^*]+)\*\*")
ROW = re.compile(r"^\| (?P<word>[^|]+) \| (?P<meaning>[^|]+) \| (?P<lesson>\d\d) \|$", re.MULTILINE)
PROGRAMS = {"istio", "linkerd", "argo rollout", "flagger"}  # outside of the course


def explained() -> dict[str, str]:
    """Each word in bold print, and the number of the first lesson that has it."""
    found: dict[str, str] = {}
    for lesson in LESSONS:
        for cell in prose(lesson):
            for word in BOLD.findall(cell.source):
                if not word.endswith((".", ":")):
                    found.setdefault(word.casefold().removesuffix("s"), lesson.stem[:2])
    return {word: lesson for word, lesson in found.items() if word not in PROGRAMS}


def listed() -> dict[str, str]:
    """Each word of the glossary, and the lesson it names."""
    text = (NOTEBOOKS / "glossary.md").read_text()
    return {row["word"].casefold().removesuffix("s"): row["lesson"] for row in ROW.finditer(text)}


def test_the_glossary_has_each_word_with_the_lesson_that_explains_it_first() -> None:
    assert listed() == explained()


def test_the_words_are_in_the_order_of_the_alphabet() -> None:
    words = [row["word"] for row in ROW.finditer((NOTEBOOKS / "glossary.md").read_text())]

    assert words == sorted(words, key=str.casefold)


def test_each_word_is_explained_in_one_sentence() -> None:
    meanings = [row["meaning"] for row in ROW.finditer((NOTEBOOKS / "glossary.md").read_text())]

    assert [text for text in meanings if not text.endswith(".") or ". " in text] == []
