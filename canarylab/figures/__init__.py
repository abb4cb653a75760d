"""Pictures of samples, each with its words.

A picture says what it shows in its title, in words made from the numbers, and carries a
description for those who do not see it. Colour never stands alone: shape, hatch and a label say
the same.
"""

from canarylab.figures.journey import journey
from canarylab.figures.picture import Picture
from canarylab.figures.split import pods, split

__all__ = ["Picture", "journey", "pods", "split"]
