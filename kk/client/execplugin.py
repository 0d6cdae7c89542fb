"""Credential plugins: the program that a kubeconfig's `user.exec` names gives a token or a client certificate.

The protocol is client.authentication.k8s.io (v1 and v1beta1). Credentials are kept for this process only.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any


def credential(
    spec: Mapping[str, Any], cluster: Mapping[str, Any], env: Mapping[str, str], config: str | None
) -> tuple[str | None, bytes | None, bytes | None]:
    """(token, certificate PEM, key PEM) from the plugin.

    Raises ValueError in upstream's words where it cannot be run or answers with something else.
    """
    command = str(spec.get("command", ""))
    if os.sep in command and not os.path.isabs(command) and config:
        command = os.path.join(os.path.dirname(os.path.abspath(config)), command)
    version = str(spec.get("apiVersion", ""))
    info: dict[str, Any] = {
        "kind": "ExecCredential",
        "apiVersion": version,
        "spec": {"interactive": sys.stdin is not None and sys.stdin.isatty()},
    }
    if spec.get("provideClusterInfo"):
        info["spec"]["cluster"] = {k: v for k, v in cluster.items() if k != "extensions"}
    environment = {**env, **{e["name"]: e["value"] for e in spec.get("env") or []}}
    environment["KUBERNETES_EXEC_INFO"] = json.dumps(info)
    try:
        done = subprocess.run(
            [command, *(spec.get("args") or [])], env=environment, stdout=subprocess.PIPE, check=False
        )
    except FileNotFoundError:
        hint = spec.get("installHint") or ""
        raise ValueError(f"getting credentials: exec: executable {command} not found\n{hint}".rstrip()) from None
    except OSError as error:
        raise ValueError(f"getting credentials: exec: {error}") from None
    if done.returncode:
        raise ValueError(f"getting credentials: exec: executable {command} failed with exit code {done.returncode}")
    try:
        answer = json.loads(done.stdout)
        status = answer["status"]
    except (ValueError, KeyError, TypeError):
        raise ValueError("getting credentials: decoding stdout: no ExecCredential with a status") from None
    if answer.get("apiVersion") != version:
        raise ValueError(
            f"getting credentials: exec plugin is configured to use API version {version}, "
            f"plugin returned version {answer.get('apiVersion')}"
        )
    cert, key = status.get("clientCertificateData"), status.get("clientKeyData")
    return status.get("token"), cert.encode() if cert else None, key.encode() if key else None
