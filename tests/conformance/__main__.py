"""Compares a cluster with the answers of real Kubernetes, or records them anew.

    python -m tests.conformance check  --kubeconfig FILE [CASE ...]
    python -m tests.conformance record --kubeconfig FILE [CASE ...]

Needs kubectl, images node_app:1.0 and node_app:2.0 on the cluster, and its NodePort 32089 at
127.0.0.1. Exit status: 0 when every step agrees.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.conformance import compare, session


def main(arguments: list[str]) -> int:
    """Run the cases that are named, or all."""
    options = _parser().parse_intermixed_args(arguments)
    target = session.Target(
        options.kubeconfig, options.kubectl, options.nodeport_url, dict(options.image)
    )
    paths = _chosen(options.cases)
    if options.action == "record":
        return _record(paths, target)
    return _check(paths, target, with_diffs=not options.quiet)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("action", choices=["check", "record"])
    parser.add_argument("cases", nargs="*", metavar="CASE", help="all when left out")
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--kubectl", default="kubectl")
    parser.add_argument("--nodeport-url", default=session.NODEPORT_URL, metavar="URL")
    parser.add_argument(
        "--image",
        action="append",
        default=[],
        type=lambda pair: pair.split("=", 1),
        metavar="OURS=THEIRS",
        help="node_app:1.0=my/app:1.0, where the cluster knows it by another name",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="only say which steps differ")
    return parser


def _chosen(names: list[str]) -> list[Path]:
    there = {path.stem: path for path in sorted(compare.CASES.glob("*.yaml"))}
    unknown = [name for name in names if name not in there]
    if unknown:
        raise SystemExit(f"There is no case {', '.join(unknown)}. There are {', '.join(there)}.")
    return [there[name] for name in names] or list(there.values())


def _record(paths: list[Path], target: session.Target) -> int:
    for path in paths:
        answers = session.run(session.Case.read(path), target)
        compare.record(path.stem, answers)
        print(f"recorded {path.stem}: {len(answers)} steps")
    return 0


def _check(paths: list[Path], target: session.Target, *, with_diffs: bool) -> int:
    agreed = steps = 0
    for path in paths:
        started = time.monotonic()
        wanted = compare.recorded(path.stem)
        different = compare.differences(wanted, session.run(session.Case.read(path), target))
        for difference in different:
            print(f"DIFFERS {path.stem}: {difference if with_diffs else difference.title}")
        alike, took = len(wanted) - len(different), time.monotonic() - started
        print(f"{path.stem}: {alike} of {len(wanted)} steps as on real Kubernetes ({took:.1f} s)")
        agreed, steps = agreed + alike, steps + len(wanted)
    print(f"{agreed} of {steps} steps agree")
    return 0 if agreed == steps else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
