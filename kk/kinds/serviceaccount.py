"""ServiceAccount: an identity for pods. kk.control makes the default one of each namespace."""

from kk.kinds._later import later
from kk.kinds.kind import AGE, Kind

KIND = Kind(
    "v1", "ServiceAccount", describe=later("_describe_core", "service_account"), columns=(AGE,), generation=False
)
