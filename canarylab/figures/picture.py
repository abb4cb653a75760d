"""A picture and its words, as one thing that a notebook can show."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cached_property
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SCREEN, _SHARP = 96, 2  # pixels per inch; twice as many are drawn, for fine screens
_COLOURS = 128
_CARD = "background:#fff;padding:8px;border-radius:6px;max-width:calc(100% - 16px)"


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """A figure, its finding and a description that stands in for it."""

    figure: Figure
    finding: str
    """The title: what the numbers say, in words."""
    alt: str
    """Type, axes, range, finding and every number."""

    @cached_property
    def png(self) -> bytes:
        """The picture as a PNG that carries its title and its description.

        A palette makes it a quarter of the size, which counts where many read over one line.
        """
        drawn, written = BytesIO(), BytesIO()
        self.figure.savefig(drawn, format="png", dpi=_SHARP * _SCREEN)
        palette = Image.open(drawn).convert("RGB").quantize(_COLOURS, Image.Quantize.MEDIANCUT)
        words = PngInfo()
        words.add_itxt("Title", self.finding)
        words.add_itxt("Description", self.alt)
        resolution = (_SHARP * _SCREEN, _SHARP * _SCREEN)
        palette.save(written, "PNG", optimize=True, pnginfo=words, dpi=resolution)
        return written.getvalue()

    @property
    def width(self) -> int:
        """How wide it is meant to be seen, in pixels."""
        return round(self.figure.get_figwidth() * _SCREEN)

    def save(self, path: str | Path) -> Path:
        """Write the PNG and return where it lies.

        >>> from tempfile import TemporaryDirectory
        >>> from canarylab.figures import split
        >>> from canarylab.traffic import Sample
        >>> with TemporaryDirectory() as folder:
        ...     split(Sample.typed(["1.0", "2.0"])).save(f"{folder}/split.png").name
        'split.png'
        """
        place = Path(path)
        place.write_bytes(self.png)
        return place

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        source = base64.b64encode(self.png).decode()
        return (
            f'<img alt="{escape(self.alt)}" width="{self.width}" style="{_CARD}" '
            f'src="data:image/png;base64,{source}">'
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        del include, exclude  # the notebook filters by itself
        return {"text/plain": self.alt, "text/html": self._repr_html_()}
