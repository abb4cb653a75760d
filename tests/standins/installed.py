"""Put the stand-ins on PATH."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def install(folder: Path, *programs: str) -> None:
    """Programs of these names, for whoever looks in this folder first."""
    folder.mkdir(exist_ok=True)
    for name in programs:
        program = folder / name
        program.write_text(
            f"#!{sys.executable}\n"
            "import sys\n"
            f"sys.path.insert(0, {str(ROOT)!r})\n"
            f"from tests.standins.{name} import main\n"
            "from tests.standins.program import run\n"
            f"run({name!r}, main)\n"
        )
        program.chmod(0o755)
