"""ServiceAccount: an identity for pods. kk.control makes the default one of each namespace."""

from kk.kinds.kind import AGE, Kind

KIND = Kind("v1", "ServiceAccount", columns=(AGE,), generation=False)
