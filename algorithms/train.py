"""Processing algorithm salina:train."""

from .algorithm import SalinaAlgorithm


class Train(SalinaAlgorithm):
    """Train model: covariate stacks and field samples become a model with honest scores."""

    operation = "train"
    section = "Salinity"
    picture = "train.svg"
