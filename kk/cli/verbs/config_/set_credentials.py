"""`kk config set-credentials NAME`: make or change a user."""

from __future__ import annotations

from ...command import Command, Flag, Options
from ...context import Env
from ...errors import CommandError
from ._files import Files, changed_flags, one
from .set_cluster import embed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(env: Env, options: Options) -> None:
    """Set what the flags say; the rest of the entry stays."""
    name = one(env, options.args, "config set-credentials")
    if options.token and (options.username or options.password):
        raise CommandError(
            "you cannot specify more than one authentication method at the same time: --token, --username and --password"
        )
    if options.embed_certs and not (options.client_certificate or options.client_key):
        raise CommandError("you must specify a --client-certificate or --client-key to embed")
    files = Files(env)
    entry = dict(files.entry("users", name) or {})
    for field in ("client-certificate", "client-key"):
        if field in options.changed:
            embed(entry, field, getattr(options, field.replace("-", "_")), options.embed_certs)
    for field, value in changed_flags(options, ("token", "username", "password")).items():
        entry.pop("tokenFile" if field == "token" else "", None)
        if value:
            entry[field] = value
        else:
            entry.pop(field, None)
    if "token" in options.changed and options.token:
        entry.pop("username", None)
        entry.pop("password", None)
    if options.username or options.password:
        entry.pop("token", None)
    _plugin(options, entry)
    files.put("users", name, entry)
    files.save()
    env.out(f'User "{name}" set.')


def _plugin(options: Options, entry: dict[str, Any]) -> None:
    """The exec section of the entry."""
    if not any(flag.startswith("exec-") for flag in options.changed):
        return
    plugin = dict(entry.get("exec") or {})
    if options.exec_command:
        plugin["command"] = options.exec_command
    if options.exec_api_version:
        plugin["apiVersion"] = options.exec_api_version
    if options.exec_arg:
        plugin["args"] = list(options.exec_arg)
    if options.exec_env:
        pairs = [pair.partition("=") for pair in options.exec_env]
        plugin["env"] = [{"name": key, "value": value} for key, _, value in pairs]
    plugin["interactiveMode"] = options.exec_interactive_mode or plugin.get("interactiveMode", "IfAvailable")
    plugin["provideClusterInfo"] = options.exec_provide_cluster_info
    entry["exec"] = plugin


COMMAND = Command(
    "config set-credentials",
    "Make or change a user",
    run,
    usage="NAME [--client-certificate=path/to/certfile] [--client-key=path/to/keyfile] [--token=bearer_token] "
    "[--username=basic_user] [--password=basic_password] [--exec-command=exec_command] "
    "[--exec-api-version=exec_api_version] [--exec-arg=arg] [--exec-env=key=value]",
    examples="""# A certificate, put into the file
kk config set-credentials me --client-certificate=me.crt --client-key=me.key --embed-certs

# A token
kk config set-credentials robot --token=secret""",
    flags=(
        Flag("client-certificate", help="File with the client certificate."),
        Flag("client-key", help="File with its key."),
        Flag("embed-certs", type="bool", help="Put both themselves into the kubeconfig."),
        Flag("exec-api-version", help="Version of the credential plugin's protocol."),
        Flag("exec-arg", type="list", help="Argument of the plugin; several flags make several."),
        Flag("exec-command", help="Command of a credential plugin."),
        Flag("exec-env", type="array", help="Variable of the plugin, as key=value."),
        Flag("exec-interactive-mode", help="Never, IfAvailable or Always."),
        Flag("exec-provide-cluster-info", type="bool", help="Tell the plugin about the cluster."),
        Flag("password", help="Password for basic authentication."),
        Flag("token", help="Bearer token."),
        Flag("username", help="User name for basic authentication."),
    ),
    complete="users",
)
