"""Pictures of samples, each with its words.

A picture says what it shows in its title, in words made from the numbers, and carries a
description for those who do not see it. Colour never stands alone: shape, hatch and a label say
the same.
"""

from canarylab.figures.pictures import Picture, plot_pods, plot_steps, plot_versions

__all__ = ["Picture", "plot_pods", "plot_steps", "plot_versions"]
