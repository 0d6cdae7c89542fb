"""The scenarios that the server answers otherwise than kube-apiserver 1.36.2, each with its reason; all others hold.

A scenario that is listed here and holds nevertheless fails its test, so that this list stays true.
"""

_CEL = "expressions are not compiled or evaluated with upstream's words there"
_CUSTOM = "custom resources differ there"
_WORDS = "a fault is told in other words or other owners are recorded"

DIFFERENCES: dict[str, str] = {
    "auth/quota-deployment": _WORDS,
    "auth/role-validation": _WORDS,
    "auth/webhook-rules-validation": _CEL,
    "crd/cel-basic": _CEL,
    "crd/cel-duration-types": _CEL,
    "crd/cel-lib-list": _CEL,
    "crd/cel-runtime-size": _CEL,
    "crd/cel-transition": _CEL,
    "crd/cr-managed-fields": _CUSTOM,
    "crd/cr-ratcheting-lists": _CUSTOM,
    "crd/crd-discovery": _CUSTOM,
    "crd/crd-invalid-cel-compile": _CEL,
    "crd/crd-invalid-cel-compile-types": _CEL,
    "crd/crd-invalid-cel-cost": _CEL,
    "crd/crd-invalid-cel-fields": _CEL,
    "crd/crd-invalid-cel-placement": _CEL,
    "crd/crd-invalid-extensions": _CUSTOM,
    "crd/crd-invalid-list-types": _CUSTOM,
    "crd/crd-openapi-v3": _CUSTOM,
    "crd/crd-patch": _CUSTOM,
    "crd/map-custom-resource": _CEL,
    "crd/map-mfail": _CEL,
    "crd/vap-custom-resource": _CEL,
    "crd/vap-fail": _CEL,
    "crd/vap-ignore": _CEL,
    "crd/vap-invalid-compile": _CEL,
    "crd/vap-invalid-fields": _CEL,
    "crd/vap-mcfail": _CEL,
    "crd/vap-old": _CEL,
    "crd/vap-vars": _CEL,
    "crd/vap-warn-audit": _CEL,
    "kinds/certificatesigningrequests": _WORDS,
    "kinds/csidrivers": _WORDS,
    "kinds/daemonsets": _WORDS,
    "kinds/prioritylevelconfigurations": _WORDS,
    "machinery/discovery-core": "it shows the address and port of the recorded server",
    "machinery/warnings-deprecated": _WORDS,
    "machinery/watch-initial-events-formats": "the store behind the recorded server could not tell its progress; ours can, and watches with initial events work",
    "patches/merge-patch-status": _WORDS,
}
