"""Processing algorithm salina:demo."""

from .algorithm import SalinaAlgorithm


class Demo(SalinaAlgorithm):
    """Create demo delta: a synthetic coastal delta whose true salinity is known."""

    operation = "demo"
    section = "Demonstration"
    picture = "demo.svg"
