"""The scripts import clients that pytest cannot: each runs as a program of its own."""

collect_ignore = ["scripts"]
