from __future__ import annotations

import pytest

from canarylab.playground.controllers.go_quantity import NotPrintableError, quantity


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", (0, 0, "0", "DecimalSI")),
        ("500m", (500, -3, "500m", "DecimalSI")),
        ("2", (2, 0, "2", "DecimalSI")),
        ("1k", (1, 3, "1k", "DecimalSI")),
        ("100", (100, 0, "100", "DecimalSI")),
        ("3Mi", (3 * 2**20, 0, "3Mi", "BinarySI")),
        ("64Mi", (64 * 2**20, 0, "", "BinarySI")),  # Kubernetes forgets the text of multiples of 8
        ("1Gi", (2**30, 0, "1Gi", "BinarySI")),
    ],
)
def test_a_quantity_is_printed_as_go_prints_it(
    text: str, expected: tuple[int, int, str, str]
) -> None:
    number, scale, kept, form = expected
    assert quantity(text) == (
        f"{{i:(resource.int64Amount){{value:(int64){number} scale:(resource.Scale){scale}}} "
        f"d:(resource.infDecAmount){{Dec:(*inf.Dec)<nil>}} s:(string){kept} "
        f"Format:(resource.Format){form}}}"
    )


@pytest.mark.parametrize("text", ["0.5", "1e3", "-1", "many", "1" * 19, "9" * 12 + "Gi"])
def test_a_quantity_in_another_form_is_not_guessed(text: str) -> None:
    with pytest.raises(NotPrintableError):
        quantity(text)
