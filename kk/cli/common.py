"""Flags that many verbs share, worded once. Nothing here acts on them."""

from .command import Flag

GLOBAL = (
    Flag("as", help="User (or service account) to act as."),
    Flag("as-group", type="array", help="Group to act as; may be given several times."),
    Flag("as-uid", help="UID to act as."),
    Flag("as-user-extra", type="array", help="Extra attribute key=value to act with; may be given several times."),
    Flag("cache-dir", help="Folder in which discovery is kept between calls."),
    Flag("certificate-authority", help="File with the certificates that the server's must chain to."),
    Flag("client-certificate", help="File with the client certificate."),
    Flag("client-key", help="File with the client certificate's key."),
    Flag("cluster", help="Cluster of the kubeconfig to use."),
    Flag("context", help="Context of the kubeconfig to use."),
    Flag("disable-compression", type="bool", help="Never ask for compressed answers."),
    Flag(
        "insecure-skip-tls-verify",
        type="bool",
        help="Accept any server certificate. This makes the connection insecure.",
    ),
    Flag("kubeconfig", help="Kubeconfig file to use."),
    Flag("kuberc", hidden=True, help="Accepted for compatibility; preferences files are not read."),
    Flag("log-flush-frequency", type="duration", default=5.0, hidden=True, help="Accepted for compatibility."),
    Flag("match-server-version", type="bool", help="Refuse to work with a server of another version."),
    Flag("namespace", "n", help="Namespace to work in."),
    Flag("password", help="Password for basic authentication."),
    Flag("profile", default="none", hidden=True, help="Accepted for compatibility."),
    Flag("profile-output", default="profile.pprof", hidden=True, help="Accepted for compatibility."),
    Flag("request-timeout", default="0", help="How long one request may take, such as 10s; 0 is without limit."),
    Flag("server", "s", help="Address of the API server."),
    Flag("tls-server-name", help="Name that the server's certificate must be for, where it is not the host's."),
    Flag("token", help="Bearer token."),
    Flag("user", help="User of the kubeconfig to use."),
    Flag("username", help="User name for basic authentication."),
    Flag(
        "v", "v", type="int", help="Verbosity: 6 and more tell each request on standard error, 8 and more what is sent."
    ),
    Flag("vmodule", hidden=True, help="Accepted for compatibility."),
    Flag("warnings-as-errors", type="bool", help="Exit with a failure where the server sent a warning."),
)

FORMATS = (
    "json",
    "yaml",
    "kyaml",
    "name",
    "go-template",
    "go-template-file",
    "template",
    "templatefile",
    "jsonpath",
    "jsonpath-as-json",
    "jsonpath-file",
)
GET_FORMATS = (*FORMATS, "custom-columns", "custom-columns-file", "wide")


def filename(what: str) -> tuple[Flag, ...]:
    """-f, -k and -R; `what` completes "File, folder or URL …"."""
    return (
        Flag("filename", "f", type="list", help=f"File, folder or URL {what}; - is standard input."),
        Flag("kustomize", "k", help="Folder with a kustomization; not together with -f or -R."),
        Flag("recursive", "R", type="bool", help="Look into the folders of -f recursively."),
    )


def output(formats: tuple[str, ...] = FORMATS) -> tuple[Flag, ...]:
    """-o and the flags that go with it."""
    return (
        Flag(
            "allow-missing-template-keys",
            type="bool",
            default=True,
            help="Ignore fields that a template names and the object lacks.",
        ),
        Flag("output", "o", help=f"Output format. One of: ({', '.join(formats)}).", values=formats),
        Flag("show-managed-fields", type="bool", help="Keep managedFields in JSON and YAML output."),
        Flag("template", help="The template, or its file, for the template formats."),
    )


DRY_RUN = Flag(
    "dry-run",
    default="none",
    bare="unchanged",
    values=("none", "client", "server"),
    help='"none", "client" (print what would be sent) or "server" (have the server check it without keeping it).',
)
SELECTOR = Flag("selector", "l", help="Label selector, such as key1=value1,key2 in (a,b),!key3.")
FIELD_SELECTOR = Flag("field-selector", help="Field selector, such as metadata.name=web; =, == and != are known.")
ALL_NAMESPACES = Flag("all-namespaces", "A", type="bool", help="Work in all namespaces, whatever --namespace says.")
ALL = Flag("all", type="bool", help="Take all objects of the given types in the namespace.")
SAVE_CONFIG = Flag(
    "save-config", type="bool", help="Keep the configuration in the object's annotation, for a later apply."
)
CHUNK_SIZE = Flag(
    "chunk-size", type="int", default=500, help="Ask for long lists in pieces of this size; 0 asks for all at once."
)
VALIDATE = Flag(
    "validate",
    default="strict",
    bare="strict",
    values=("strict", "warn", "ignore"),
    help="What the server does with unknown and repeated fields: strict (or true) refuses, warn warns, ignore (or false) drops them.",
)
SUBRESOURCE = Flag("subresource", help="Work on this subresource of the object, such as status or scale.")


def field_manager(default: str) -> Flag:
    """--field-manager with the verb's own default."""
    return Flag("field-manager", default=default, help="Name under which changed fields are owned.")


def cascade() -> tuple[Flag, ...]:
    """Flags of deletion, shared by delete, apply and replace."""
    return (
        Flag(
            "cascade",
            default="background",
            bare="background",
            values=("background", "foreground", "orphan"),
            help="How dependents go: background, foreground or orphan (they stay).",
        ),
        Flag("force", type="bool", help="Remove at once, without grace. Data may be lost."),
        Flag(
            "grace-period",
            type="int",
            default=-1,
            help="Seconds to end in; negative leaves it to the object, 0 needs --force.",
        ),
        Flag("timeout", type="duration", help="How long to wait for the end; 0 chooses by the object's size."),
    )
