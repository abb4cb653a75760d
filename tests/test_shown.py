from __future__ import annotations

from canarylab.shown import Listing, Shown

TABLE = Shown("Two.", ("name", "what"), [("<a>", 1), ("b", 22)])


def test_words_and_table_say_the_same() -> None:
    for cell in ("Two.", "name", "what", "b", "22"):
        assert cell in repr(TABLE)
        assert cell in TABLE._repr_html_()


def test_columns_line_up() -> None:
    assert repr(TABLE).splitlines()[1:] == ["name  what", "<a>   1", "b     22"]


def test_html_is_escaped_and_headers_are_headers() -> None:
    assert "&lt;a&gt;" in TABLE._repr_html_()
    assert TABLE._repr_html_().count('<th scope="col"') == 2
    assert TABLE._repr_html_().count('<th scope="row"') == 2


def test_a_listing_marks_lines_with_a_sign_and_not_by_colour_alone() -> None:
    listing = Listing("file", [("same", False), ("other", True)])
    assert repr(listing) == "file\n  same\n> other"
    assert "<strong>&gt; other</strong>" in listing._repr_html_()


def test_notes_stand_below() -> None:
    noted = Shown("Two.", ("name",), [("a",)], notes=["One <more> thing."])
    assert repr(noted).splitlines() == ["Two.", "name", "a", "One <more> thing."]
    assert noted._repr_html_().endswith("<p>One &lt;more&gt; thing.</p>")
