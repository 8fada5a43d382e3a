"""Processing algorithm salina:compare."""

from .algorithm import SalinaAlgorithm


class Compare(SalinaAlgorithm):
    """Compare models: the same folds for every system, one table with spread and paired differences."""

    operation = "compare"
    section = "Salinity"
    picture = "compare.svg"
