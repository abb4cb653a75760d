"""Pictures of samples, each with a title and a description made from its numbers.

`plot_versions`, `plot_pods` and `plot_steps` each return a `Picture`: a drawn matplotlib figure
with its title and its description for readers who do not see it. What is drawn is a `Chart`, the
plain values of one dot plot. Colour is never the only sign: shape, hatch and a label say the same.
"""

from canarylab.figures.pictures import Picture, plot_pods, plot_steps, plot_versions

__all__ = ["Picture", "plot_pods", "plot_steps", "plot_versions"]
