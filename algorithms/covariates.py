"""Processing algorithm salina:covariates."""

from .algorithm import SalinaAlgorithm


class Covariates(SalinaAlgorithm):
    """Build covariate stack: scenes, a DEM and ready-made rasters on one grid."""

    operation = "covariates"
    section = "Covariates"
    picture = "covariates.svg"
