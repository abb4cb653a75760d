"""The diagrams in the documents are those that the manifests of the lessons give."""

from __future__ import annotations

import pytest

from tools import draw_diagrams


@pytest.mark.parametrize("name", draw_diagrams.DIAGRAMS)
def test_it_is_up_to_date(name: str) -> None:
    committed = draw_diagrams.PICTURES / f"diagram-{name}.svg"

    assert draw_diagrams.diagram(name).svg == committed.read_text(encoding="utf-8"), (
        "run `make pictures`"
    )
