"""kind as a cluster; `cluster.py` is where to begin reading."""

from canarylab.clusters.kind.cluster import Kind

__all__ = ["Kind"]
