"""What a verb works with: streams, the connection that the flags and the kubeconfig choose, namespace, client, discovery.

Everything is made on first use, so that a verb pays for what it touches. Tests give other streams and another environment.
"""

from __future__ import annotations

import os
import sys

from .errors import CommandError, ExitStatus, Plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, TextIO

    from kk.client.discovery import APIResource, Discovery
    from kk.client.http import Client
    from kk.client.kubeconfig import Connection, KubeConfig

    from .command import Options

#: global flags that change one field of the connection, by the name resolve() knows
_OVERRIDES = {
    "server": "server",
    "certificate_authority": "certificate_authority",
    "client_certificate": "client_certificate",
    "client_key": "client_key",
    "insecure_skip_tls_verify": "insecure_skip_tls_verify",
    "tls_server_name": "tls_server_name",
    "token": "token",
    "username": "username",
    "password": "password",
    "cluster": "cluster",
    "user": "user",
    "namespace": "namespace",
    "as": "impersonate",
    "as_uid": "impersonate_uid",
    "as_group": "impersonate_groups",
    "as_user_extra": "impersonate_extra",
}

NO_CLUSTER = (
    "error: no cluster: there is no kubeconfig with a current context. "
    "Start a local cluster with 'kk up', or name one with --kubeconfig or --server."
)


class Env:
    """One call of the command line.

    prog       "kk" or "kubectl", as the command was called; messages and help say it
    options    the parsed command line (global flags too)
    """

    def __init__(
        self,
        prog: str = "kk",
        options: Options | None = None,
        *,
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        environ: Mapping[str, str] | None = None,
    ):
        self.prog = prog
        self.options: Any = options
        self.stdin = stdin or sys.stdin
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr
        self.environ = os.environ if environ is None else environ
        self.warnings = 0
        self._ambiguous: set[str] = set()
        self._kubeconfig: KubeConfig | None = None
        self._connection: Connection | None = None
        self._client: Client | None = None
        self._discovery: Discovery | None = None

    # ---- streams ----
    def out(self, text: str) -> None:
        """A line on standard output."""
        self.stdout.write(text + "\n")

    def err(self, text: str) -> None:
        """A line on standard error, after all output so far."""
        self.stdout.flush()
        self.stderr.write(text + "\n")
        self.stderr.flush()

    def warn(self, text: str) -> None:
        """A warning, as those that the server sends are shown."""
        self.warnings += 1
        self.err(f"Warning: {text}")

    def fail(self, error: Exception) -> None:
        """Tell an error now and go on; kk.cli.main tells the one that ends a command."""
        from .errors import words

        self.err(words(error))

    # ---- connection ----
    @property
    def kubeconfig(self) -> KubeConfig:
        """The merged kubeconfig of this call."""
        if self._kubeconfig is None:
            from kk.client.kubeconfig import load

            self._kubeconfig = load(self.options.kubeconfig or None, self.options.context or None, self.environ)
        return self._kubeconfig

    @property
    def connection(self) -> Connection:
        """Where to and as whom.

        Raises CommandError where nothing says where to.
        """
        if self._connection is None:
            overrides: dict[str, Any] = {}
            for attribute, name in _OVERRIDES.items():
                value, flag = getattr(self.options, attribute, None), attribute.replace("_", "-")
                if value and flag in self.options.changed and flag not in self.options.own:
                    overrides[name] = value
            try:
                found = self.kubeconfig.resolve(overrides)
            except ValueError as error:
                raise _unresolved(str(error)) from None
            if not found.server:
                raise Plain(NO_CLUSTER)
            self._connection = found
        return self._connection

    @property
    def namespace(self) -> str:
        """The namespace to work in: the flag's, the context's, or default."""
        return self.options.namespace or self.connection.namespace or "default"

    @property
    def namespace_given(self) -> bool:
        """Whether --namespace was given."""
        return "namespace" in self.options.changed

    @property
    def client(self) -> Client:
        """The client; one connection pool a call."""
        if self._client is None:
            from kk.client.http import Client

            self._client = Client(self.connection, user_agent=self.prog, timeout=self._timeout())
            self._client.on_warning = self.warn
            if self.options.v >= 6:
                from .logged import LoggedTransport

                server = self.connection.server
                self._client.transport = LoggedTransport(self._client.transport, server, self.options.v >= 8)
        return self._client

    def _timeout(self) -> float | None:
        text = self.options.request_timeout
        if text in ("", "0"):
            return None
        from kk.base.times import parse_duration

        try:
            return float(text) if text.isdigit() else parse_duration(text)
        except ValueError:
            raise CommandError(
                "Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by "
                "a corresponding time unit (e.g. 1s | 2m | 3h)"
            ) from None

    @property
    def discovery(self) -> Discovery:
        """What the server serves, from disk where it is fresh."""
        if self._discovery is None:
            client = self.client
            from kk.client.discovery import Discovery

            folder = self.options.cache_dir
            self._discovery = Discovery(client, cache_dir=folder) if folder else Discovery(client)
        return self._discovery

    def find(self, word: str) -> APIResource:
        """The resource that a word names: plural, singular, short name or kind, with version and group or not.

        Raises CommandError in kubectl's words where there is none.
        """
        found = self.discovery.find(word)
        if found is None:
            raise CommandError(f'the server doesn\'t have a resource type "{word.split(".", 1)[0]}"')
        low = word.lower()
        if low in found.short_names and low not in (found.name, found.singular) and low not in self._ambiguous:
            self._ambiguous.add(low)
            for other in self.discovery.preferred():
                if low in other.short_names and (other.group, other.name) != (found.group, found.name):
                    full = f"{other.name}.{other.group}" if other.group else other.name
                    self.warn(f'short name "{low}" could also match lower priority resource {full}')
        return found

    def find_kind(self, api_version: str, kind: str) -> APIResource | None:
        """The resource of a kind in exactly this version, or None."""
        return self.discovery.find_kind(api_version, kind)

    # ---- asking ----
    def confirm(self, question: str) -> bool:
        """Ask on the terminal; anything but y or yes is no."""
        self.stdout.write(question)
        self.stdout.flush()
        return self.stdin.readline().strip().lower() in ("y", "yes")

    def usage(self, message: str, command: str) -> Exception:
        """A UsageError for a verb of this program, such as "create namespace"."""
        from .errors import UsageError

        return UsageError(message, f"{self.prog} {command}")


def _unresolved(text: str) -> Exception:
    """kubectl's words for what the kubeconfig does not have."""
    kind, _, rest = text.partition(" ")
    name = rest.partition('"')[2].partition('"')[0]
    if text.endswith("does not exist") and kind == "context":
        return Plain(f"Error in configuration: context was not found for specified context: {name}")
    if text.endswith("does not exist") and kind == "cluster":
        return CommandError(f'no server found for cluster "{name}"')
    return CommandError(text)


def one_name(env: Env, args: Iterable[str], command: str) -> str:
    """The single NAME argument of a generator.

    Raises UsageError.
    """
    given = list(args)
    if len(given) != 1:
        raise env.usage(f"exactly one NAME is required, got {len(given)}", command)
    return given[0]


def dry_run(env: Env) -> str:
    """none, client or server, from --dry-run.

    Raises CommandError for another word.
    """
    value = env.options.dry_run
    if value in ("none", "client", "server"):
        return value
    if value == "unchanged":
        env.err("W: --dry-run is deprecated and can be replaced with --dry-run=client.")
        return "client"
    if value in ("true", "false"):
        raise CommandError(f'Invalid dry-run value ({value}). Must be "none", "server", or "client".')
    raise CommandError(f'Invalid dry-run value ({value}). Must be "none", "server", or "client".')


def leave(code: int) -> None:
    """Leave with a status after everything was said."""
    raise ExitStatus(code)
