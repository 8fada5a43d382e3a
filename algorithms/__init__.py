"""The Processing algorithms. The list is fixed here, so that none vanishes where the library cannot be loaded."""

from .compare import Compare
from .covariates import Covariates
from .demo import Demo
from .retrieve import Retrieve
from .train import Train

ALGORITHMS = (Covariates, Train, Retrieve, Compare, Demo)
