"""Are lines kept and read back as they came?"""

from __future__ import annotations

from pathlib import Path

import pytest

from canarylab.playground.node.loglines import parsed, start_of_tail, written

MOMENT_NS = 1_795_383_729_123_456_789


@pytest.mark.parametrize("text", [b"", b"hello", b"with  spaces ", b"stdout F looks like a stamp"])
def test_a_whole_line_comes_back_with_its_newline(text: bytes) -> None:
    assert parsed(written(MOMENT_NS, "stdout", text)).text == text + b"\n"


def test_a_part_of_a_line_comes_back_without_one() -> None:
    assert parsed(written(MOMENT_NS, "stderr", b"par", whole=False)).text == b"par"


def test_the_time_of_a_line_has_nine_decimals() -> None:
    line = parsed(written(MOMENT_NS, "stdout", b"x"))
    assert line.stamp == "2026-11-22T21:42:09.123456789Z"
    assert line.moment_s == pytest.approx(MOMENT_NS / 1e9)


@pytest.mark.parametrize("width", [1, 300, 70_000])
@pytest.mark.parametrize("wanted", [0, 1, 2, 9, 10, 11])
def test_the_tail_is_the_last_lines_however_long_they_are(
    tmp_path: Path, width: int, wanted: int
) -> None:
    lines = [str(number).encode() * width + b"\n" for number in range(10)]
    path = tmp_path / "log"
    path.write_bytes(b"".join(lines))
    with path.open("rb") as file:
        file.seek(start_of_tail(file, wanted))
        assert file.readlines() == lines[max(0, 10 - wanted) :]
