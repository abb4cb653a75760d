"""How containers of a test get their roots."""

from __future__ import annotations

from tests.root_ways import both_ways, machine_paths, own_root

__all__ = ["both_ways", "machine_paths", "own_root"]
