"""Pictures of samples, each with a title and a description made from its numbers.

`plot_versions`, `plot_pods`, `plot_samples` and `plot_sweep` each return a `Picture`, which is
drawn when it is shown. What is drawn are plain values: a `Chart` of rows, or a `PointChart`.
Colour is never the only sign: shape, hatch and a label say the same.
"""

from canarylab.figures.pictures import (
    Picture,
    plot_pods,
    plot_samples,
    plot_sweep,
    plot_versions,
)

__all__ = ["Picture", "plot_pods", "plot_samples", "plot_sweep", "plot_versions"]
