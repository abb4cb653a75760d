"""`python -m canarylab` is the command line."""

from __future__ import annotations

from canarylab.cli import main

if __name__ == "__main__":
    main()
