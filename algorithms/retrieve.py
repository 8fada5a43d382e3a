"""Processing algorithm salina:retrieve."""

from .algorithm import SalinaAlgorithm


class Retrieve(SalinaAlgorithm):
    """Retrieve salinity: maps a covariate stack with a trained model."""

    operation = "retrieve"
    section = "Salinity"
    picture = "retrieve.svg"
