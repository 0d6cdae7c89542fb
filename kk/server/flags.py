"""The API server's flags, under kube-apiserver's names: declared once, for `kk api` and for `python -m kk.server`.

Words only, cheap to import: what a flag means is told by the module that reads it (`config.flag("audit-log-path")`).
A flag that nobody gave costs nothing and does nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

_EMPTY: dict[str, Any] = {"string": "", "bool": False, "int": 0, "duration": 0.0, "list": [], "array": []}


class ServerFlag(NamedTuple):
    """One flag. type: string, bool, int, duration (seconds; text such as 1m30s), list (commas split, repeatable) or array (repeatable)."""

    name: str
    help: str
    type: str = "string"
    default: Any = None

    @property
    def value(self) -> Any:
        """What it is where it was not given."""
        return _EMPTY[self.type] if self.default is None else self.default


#: by subject, in the order of kube-apiserver's own help
FLAGS: tuple[ServerFlag, ...] = (
    # what is served
    ServerFlag(
        "runtime-config",
        "Versions and resources to serve or not: api/all, api/ga, api/beta, GROUP/VERSION or GROUP/VERSION/RESOURCE, each =true or =false; "
        "extensions/v1beta1=true brings Deployments, ReplicaSets, DaemonSets and Ingresses in their old group.",
        "list",
    ),
    # who asks
    ServerFlag("anonymous-auth", "Let requests without credentials be system:anonymous.", "bool", True),
    ServerFlag("client-ca-file", "CA of clients' certificates; the cluster's own if not given."),
    ServerFlag("api-audiences", "Identifiers of the API in tokens; the issuer if not given.", "list"),
    ServerFlag("token-auth-file", 'A CSV file of static tokens: token,user,uid,"group1,group2".'),
    ServerFlag("enable-bootstrap-token-auth", "Take tokens of Secrets kube-system/bootstrap-token-*.", "bool", True),
    ServerFlag("service-account-issuer", "Issuer of ServiceAccount tokens; the first signs, all are taken.", "array"),
    ServerFlag("service-account-key-file", "Further keys whose ServiceAccount tokens are taken, PEM.", "array"),
    ServerFlag(
        "service-account-signing-key-file", "Key that signs ServiceAccount tokens; the cluster's sa.key if not given."
    ),
    ServerFlag("service-account-jwks-uri", "Where the keys of the issuer are found by others."),
    ServerFlag("service-account-max-token-expiration", "The longest life of a token that is asked for.", "duration"),
    ServerFlag("service-account-extend-token-expiration", "Let tokens of pods live a year.", "bool", True),
    ServerFlag("oidc-issuer-url", "URL of an OpenID issuer whose tokens are taken; https."),
    ServerFlag("oidc-client-id", "The client that those tokens must be for."),
    ServerFlag("oidc-ca-file", "CA of the issuer's certificate; the system's if not given."),
    ServerFlag("oidc-username-claim", "The claim that is the user's name.", "string", "sub"),
    ServerFlag("oidc-username-prefix", "What user names begin with; '-' for nothing."),
    ServerFlag("oidc-groups-claim", "The claim that holds the user's groups."),
    ServerFlag("oidc-groups-prefix", "What group names begin with."),
    ServerFlag("oidc-signing-algs", "Signature algorithms that are taken.", "list", ["RS256"]),
    ServerFlag("oidc-required-claim", "key=value that a token must claim.", "list"),
    ServerFlag(
        "requestheader-client-ca-file",
        "CA of proxies that tell the user in headers; the cluster's front-proxy CA if not given.",
    ),
    ServerFlag("requestheader-allowed-names", "Common names of such proxies.", "list", ["front-proxy-client"]),
    ServerFlag("requestheader-username-headers", "Headers that hold the user's name.", "list", ["X-Remote-User"]),
    ServerFlag("requestheader-uid-headers", "Headers that hold the user's uid.", "list", ["X-Remote-Uid"]),
    ServerFlag("requestheader-group-headers", "Headers that hold groups.", "list", ["X-Remote-Group"]),
    ServerFlag(
        "requestheader-extra-headers-prefix", "Beginnings of headers that hold more.", "list", ["X-Remote-Extra-"]
    ),
    # what is written down
    ServerFlag("audit-policy-file", "What is audited, as an audit.k8s.io/v1 Policy."),
    ServerFlag("audit-log-path", "File of audit events, '-' for standard output."),
    ServerFlag("audit-log-format", "json, or legacy for one line of text an event.", "string", "json"),
    ServerFlag("audit-log-maxage", "Days that old files are kept.", "int"),
    ServerFlag("audit-log-maxbackup", "Number of old files that are kept.", "int"),
    ServerFlag("audit-log-maxsize", "Megabytes after which a new file is begun.", "int"),
    ServerFlag("audit-log-compress", "Compress old files.", "bool"),
    # how much at a time
    ServerFlag(
        "enable-priority-and-fairness", "Share what may run at a time by FlowSchemas and priority levels.", "bool", True
    ),
    ServerFlag("max-requests-inflight", "Requests that read, at a time; 0 for no bound.", "int", 400),
    ServerFlag("max-mutating-requests-inflight", "Requests that write, at a time; 0 for no bound.", "int", 200),
)

BY_NAME: Mapping[str, ServerFlag] = {flag.name: flag for flag in FLAGS}


def given(options: Any, changed: Iterable[str]) -> dict[str, Any]:
    """The values of those flags that were given, by name, from an object with attributes."""
    names = set(changed)
    return {f.name: getattr(options, f.name.replace("-", "_")) for f in FLAGS if f.name in names}
