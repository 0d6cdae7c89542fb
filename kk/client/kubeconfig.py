"""Kubeconfig files: found, merged, read and written, and resolved to one `Connection`.

Rules of merging and precedence are those of client-go `tools/clientcmd` (first file wins, paths are relative to their file).
Nothing here opens a connection; only credential plugins (`user.exec`) are run, and only when they are needed.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping

from . import plainyaml

TYPE_CHECKING = False  # typing costs milliseconds at start-up
if TYPE_CHECKING:
    from typing import Any

SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}
_IN_CLUSTER = "/var/run/secrets/kubernetes.io/serviceaccount"


class Connection:
    """Where to and as whom: everything that a transport needs, already read from files.

    server is a URL, "" where nothing names one; ca_data, cert_data and key_data are PEM bytes; `token_file`, where set, is read
    again when it changes (bound tokens rotate); `extra` of an impersonation is key → values.
    Not a dataclass: `dataclasses` alone would cost every start of the command line 6 ms.
    """

    __slots__ = (
        "server",
        "ca_data",
        "insecure",
        "cert_data",
        "key_data",
        "token",
        "token_file",
        "username",
        "password",
        "namespace",
        "impersonate",
        "impersonate_uid",
        "impersonate_groups",
        "impersonate_extra",
        "tls_server_name",
        "proxy",
    )

    def __init__(
        self,
        server: str,
        ca_data: bytes | None = None,
        insecure: bool = False,
        cert_data: bytes | None = None,
        key_data: bytes | None = None,
        token: str | None = None,
        token_file: str | None = None,
        username: str | None = None,
        password: str | None = None,
        namespace: str | None = None,
        impersonate: str | None = None,
        impersonate_uid: str | None = None,
        impersonate_groups: tuple[str, ...] = (),
        impersonate_extra: tuple[tuple[str, str], ...] = (),
        tls_server_name: str | None = None,
        proxy: str | None = None,
    ):
        self.server, self.ca_data, self.insecure = server, ca_data, insecure
        self.cert_data, self.key_data = cert_data, key_data
        self.token, self.token_file = token, token_file
        self.username, self.password, self.namespace = username, password, namespace
        self.impersonate, self.impersonate_uid = impersonate, impersonate_uid
        self.impersonate_groups, self.impersonate_extra = impersonate_groups, impersonate_extra
        self.tls_server_name, self.proxy = tls_server_name, proxy

    def __repr__(self) -> str:
        return f"Connection({self.server!r})"  # credentials stay out of logs


def read_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """One kubeconfig file as a dict; a file that is not there or empty is an empty one.

    Raises ValueError for a file that is not YAML or not a mapping, OSError where it may not be read.
    """
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return {}
    if text.lstrip().startswith("{"):  # written as JSON: spares the import of yaml
        try:
            return json.loads(text)
        except ValueError:
            pass
    plain = plainyaml.read(text)
    if plain is not None:
        return plain
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        found = yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        raise ValueError(f"error loading config file {str(path)!r}: {' '.join(str(error).split())}") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ValueError(f"error loading config file {str(path)!r}: it is not a mapping")
    return found


def write_file(path: str | os.PathLike[str], config: Mapping[str, Any]) -> None:
    """Write a kubeconfig, whole or not at all, readable by its owner only."""
    import tempfile
    from pathlib import Path  # only `kk config` writes

    import yaml

    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    full = {"apiVersion": "v1", "kind": "Config", **config}
    for section in SECTIONS:
        full[section] = full.get(section) or []
    full.setdefault("current-context", "")
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            yaml.dump(full, out, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=True)
        os.replace(temporary, target.resolve() if target.is_symlink() else target)
    except BaseException:
        os.unlink(temporary)
        raise


def paths(explicit: str | None, env: Mapping[str, str]) -> list[str]:
    """The files that count, first wins: --kubeconfig, else $KUBECONFIG, else ~/.kube/config."""
    if explicit:
        return [explicit]
    listed = [p for p in env.get("KUBECONFIG", "").split(os.pathsep) if p]
    return list(dict.fromkeys(listed)) or [os.path.join(env.get("HOME") or os.path.expanduser("~"), ".kube", "config")]


class KubeConfig:
    """The merged view of some kubeconfig files.

    files     (path, content) in the order of precedence
    merged    one mapping: `current-context`, and name → entry for clusters, users and contexts
    """

    def __init__(
        self,
        files: list[tuple[str, dict[str, Any]]],
        context: str | None = None,
        env: Mapping[str, str] | None = None,
        explicit: bool = False,
    ):
        self.files = files
        self.env: Mapping[str, str] = os.environ if env is None else env
        self.explicit = explicit
        self._context = context
        self.sections: dict[str, dict[str, dict[str, Any]]] = {s: {} for s in SECTIONS}
        self.origin: dict[tuple[str, str], str] = {}
        self.current_context = ""
        for path, content in files:
            self.current_context = self.current_context or content.get("current-context") or ""
            for section, key in SECTIONS.items():
                for entry in content.get(section) or []:
                    name = entry.get("name", "")
                    if name not in self.sections[section]:
                        self.sections[section][name] = entry.get(key) or {}
                        self.origin[section, name] = path

    @property
    def merged(self) -> dict[str, Any]:
        """The merged kubeconfig in file form, names sorted; what `config view` shows."""
        out: dict[str, Any] = {"apiVersion": "v1", "kind": "Config"}
        for section, key in SECTIONS.items():
            out[section] = [{"name": n, key: v} for n, v in sorted(self.sections[section].items())]
        out["current-context"] = self.current_context
        preferences = next((c["preferences"] for _, c in self.files if c.get("preferences")), None)
        if preferences:
            out["preferences"] = preferences
        return out

    @property
    def default_path(self) -> str:
        """The file that a new entry is written to: the first that exists, else the last of the list."""
        return next((p for p, _ in self.files if os.path.exists(p)), self.files[-1][0])

    def file_for(self, section: str, name: str) -> str:
        """The file that an entry is in, or that it would be written to."""
        return self.origin.get((section, name), self.default_path)

    @property
    def context_name(self) -> str:
        """The context asked for, else the current one, else ""."""
        return self._context or self.current_context

    def resolve(self, overrides: Mapping[str, Any] | None = None) -> Connection:
        """The connection that the context and the overrides (flags, by the names of `_OVERRIDES`) make.

        Raises ValueError with upstream's words where something named is not there.
        """
        given = {k: v for k, v in (overrides or {}).items() if v not in (None, "", (), [])}
        for path, content in self.files:
            if self.explicit and not content and not os.path.exists(path):
                raise ValueError(f"stat {path}: no such file or directory")
        context = self._named("contexts", "context", self.context_name, self._context is not None)
        cluster_name = given.get("cluster") or context.get("cluster", "")
        user_name = given.get("user") or context.get("user", "")
        cluster = self._named("clusters", "cluster", cluster_name, bool(given.get("cluster")))
        user = self._named("users", "auth info", user_name, bool(given.get("user")))
        if not cluster.get("server") and not given.get("server") and not self.explicit:
            inside = in_cluster(self.env)
            if inside is not None:
                return inside
        return self._connection(given, context, cluster, cluster_name, user, user_name)

    def _named(self, section: str, word: str, name: str, must: bool) -> dict[str, Any]:
        found = self.sections[section].get(name)
        if found is None and must:
            if word == "context":
                raise ValueError(f'context "{name}" does not exist')
            raise ValueError(f'{word} "{name}" does not exist')
        return found or {}

    def _connection(
        self,
        given: Mapping[str, Any],
        context: Mapping[str, Any],
        cluster: Mapping[str, Any],
        cluster_name: str,
        user: Mapping[str, Any],
        user_name: str,
    ) -> Connection:
        at_cluster, at_user = self.origin.get(("clusters", cluster_name)), self.origin.get(("users", user_name))
        token, token_file = given.get("token"), None
        cert = _bytes(given, "client_certificate") or _data(user, "client-certificate", at_user)
        key = _bytes(given, "client_key") or _data(user, "client-key", at_user)
        name, password = given.get("username") or user.get("username"), given.get("password") or user.get("password")
        if not token and not given.get("username"):
            token, token_file = user.get("token"), _beside(user.get("tokenFile"), at_user)
            if token_file and not token:
                token = _read(token_file).decode().strip()
        if user.get("exec") and not token and not cert and not name:
            from .execplugin import credential

            token, cert, key = credential(user["exec"], cluster, self.env, at_user)
        insecure = given.get("insecure_skip_tls_verify")
        return Connection(
            server=str(given.get("server") or cluster.get("server") or "").rstrip("/"),
            ca_data=_bytes(given, "certificate_authority") or _data(cluster, "certificate-authority", at_cluster),
            insecure=bool(cluster.get("insecure-skip-tls-verify")) if insecure is None else bool(insecure),
            cert_data=cert,
            key_data=key,
            token=token,
            token_file=token_file if token else None,
            username=name,
            password=password,
            namespace=given.get("namespace") or context.get("namespace"),
            impersonate=given.get("impersonate") or user.get("as"),
            impersonate_uid=given.get("impersonate_uid") or user.get("as-uid"),
            impersonate_groups=tuple(given.get("impersonate_groups") or user.get("as-groups") or ()),
            impersonate_extra=_extra(given.get("impersonate_extra") or user.get("as-user-extra") or ()),
            tls_server_name=given.get("tls_server_name") or cluster.get("tls-server-name"),
            proxy=given.get("proxy_url") or cluster.get("proxy-url"),
        )


def load(explicit: str | None = None, context: str | None = None, env: Mapping[str, str] | None = None) -> KubeConfig:
    """The kubeconfig that counts; files that are not there are empty (resolve() says so where it matters).

    Raises ValueError for a file that is not a kubeconfig.
    """
    environ: Mapping[str, str] = os.environ if env is None else env
    files = [(p, read_file(p)) for p in paths(explicit, environ)]
    return KubeConfig(files, context, environ, explicit=bool(explicit))


def in_cluster(env: Mapping[str, str], folder: str = _IN_CLUSTER) -> Connection | None:
    """The connection of a pod's service account, None outside of pods."""
    host, port = env.get("KUBERNETES_SERVICE_HOST"), env.get("KUBERNETES_SERVICE_PORT")
    token = os.path.join(folder, "token")
    if not host or not port or not os.path.exists(token):
        return None
    space = os.path.join(folder, "namespace")
    return Connection(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        ca_data=_read(os.path.join(folder, "ca.crt")),
        token=_read(token).decode().strip(),
        token_file=token,
        namespace=_read(space).decode().strip() if os.path.exists(space) else None,
    )


def _beside(path: str | None, config: str | None) -> str | None:
    if not path or os.path.isabs(path) or config is None:
        return path
    return os.path.join(os.path.dirname(os.path.abspath(config)), path)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ValueError(f"unable to read {path}: {error.strerror or error}") from None


def _data(entry: Mapping[str, Any], name: str, config: str | None) -> bytes | None:
    """Inline data (base64, or a data: URI), else the content of the file."""
    inline = entry.get(f"{name}-data")
    if inline:
        text = str(inline)
        if text.startswith("data:"):
            text = text.partition(",")[2]
        try:
            return base64.b64decode(text, validate=False)
        except binascii.Error as error:
            raise ValueError(f"{name}-data is not base64: {error}") from None
    path = _beside(entry.get(name), config)
    return _read(path) if path else None


def _bytes(given: Mapping[str, Any], name: str) -> bytes | None:
    value = given.get(name)
    if value is None or isinstance(value, bytes):
        return value
    return _read(str(value))


def _extra(value: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(value, Mapping):
        return tuple((k, v) for k, values in value.items() for v in values)
    return tuple((k, v) for k, _, v in (str(item).partition("=") for item in value))
