"""`python -m tests.ingress KUBECONFIG URL`: ask a running cluster the requests of the table."""

from __future__ import annotations

import argparse
import sys

from tests.ingress.running_cluster import Live
from tests.ingress.scenarios import scenarios


def main(arguments: list[str]) -> int:
    """Print a line for each scenario; exit status 1 if a request went elsewhere."""
    parser = argparse.ArgumentParser(prog="python -m tests.ingress", description=__doc__)
    parser.add_argument("kubeconfig")
    parser.add_argument("url", help="of the cluster's ingress: http://127.0.0.1:8080")
    asked = parser.parse_args(arguments)
    live, wrong, count = Live(asked.kubeconfig, asked.url), 0, 0
    with live.backends():
        for scenario in scenarios():
            with live.scenario(scenario):
                complaints = [live.complaint(case) for case in scenario.cases]
            found = [complaint for complaint in complaints if complaint]
            wrong, count = wrong + len(found), count + len(complaints)
            sys.stdout.write("\n    ".join([scenario.name, *found]) + "\n")
    sys.stdout.write(f"{count - wrong} of {count} requests went where ingress-nginx sends them.\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
