"""Probes and lifecycle hooks of containers: their faults. Words and rules: `validateProbe` and `validateLifecycle` of Kubernetes.

Times and thresholds are filled before (see _podspec).
"""

from typing import Any

from kk.base import names
from kk.base.errors import forbidden_value, invalid_value, not_supported, required
from kk.kinds._checks import Errors, bad, each, not_negative
from kk.kinds._podcells import is_sidecar

Obj = dict[str, Any]
_SIGNALS = (
    *(
        f"SIG{name}"
        for name in [
            "ABRT",
            "ALRM",
            "BUS",
            "CHLD",
            "CLD",
            "CONT",
            "FPE",
            "HUP",
            "ILL",
            "INT",
            "IO",
            "IOT",
            "KILL",
            "PIPE",
            "POLL",
            "PROF",
            "PWR",
            "QUIT",
        ]
    ),
    "SIGRTMAX",
    *(f"SIGRTMAX-{n}" for n in range(1, 15)),
    "SIGRTMIN",
    *(f"SIGRTMIN+{n}" for n in range(1, 16)),
    *(
        f"SIG{name}"
        for name in [
            "SEGV",
            "STKFLT",
            "STOP",
            "SYS",
            "TERM",
            "TRAP",
            "TSTP",
            "TTIN",
            "TTOU",
            "URG",
            "USR1",
            "USR2",
            "VTALRM",
            "WINCH",
            "XCPU",
            "XFSZ",
        ]
    ),
)


def check_port(path: str, port: Any) -> Errors:
    """A number or a name of a port."""
    if isinstance(port, str):
        yield from bad(path, port, names.port_name(port) if port else ["must contain at least one letter (a-z)"])
    else:
        yield from bad(path, port or 0, names.port_number(port or 0))


def _http(path: str, action: Obj) -> Errors:
    if not action.get("path"):
        yield required(f"{path}.path")
    yield from check_port(f"{path}.port", action.get("port"))
    if action.get("scheme") not in ("HTTP", "HTTPS"):
        yield not_supported(f"{path}.scheme", action.get("scheme") or "", ("HTTP", "HTTPS"))
    for where, header in each(f"{path}.httpHeaders", action.get("httpHeaders")):
        yield from bad(where, header.get("name") or "", names.http_header_name(header.get("name") or ""))


def _sleep(path: str, action: Obj, grace: int) -> Errors:
    seconds = action.get("seconds") or 0
    if not 0 <= seconds <= grace:
        detail = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
        yield invalid_value(path, seconds, detail)


def check_handler(path: str, handler: Obj, grace: int) -> Errors:
    """Exactly one of exec, httpGet, tcpSocket, grpc and sleep, without faults."""
    count = 0
    for field in ("exec", "httpGet", "tcpSocket", "grpc", "sleep"):
        action = handler.get(field)
        if action is None:
            continue
        count += 1
        if count > 1:
            yield forbidden_value(f"{path}.{field}", "may not specify more than 1 handler type")
        elif field == "exec":
            if not action.get("command"):
                yield required(f"{path}.exec.command")
        elif field == "httpGet":
            yield from _http(f"{path}.httpGet", action)
        elif field in ("tcpSocket", "grpc"):
            yield from check_port(f"{path}.{field}.port", action.get("port"))
        else:
            yield from _sleep(f"{path}.sleep", action, grace)
    if not count:
        yield required(path, "must specify a handler type")


def check_probe(path: str, probe: Obj | None, grace: int) -> Errors:
    """What every probe must be."""
    if probe is None:
        return
    yield from check_handler(path, probe, grace)
    for field in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        yield from not_negative(f"{path}.{field}", probe.get(field))
    own = probe.get("terminationGracePeriodSeconds")
    if own is not None and own <= 0:
        yield invalid_value(f"{path}.terminationGracePeriodSeconds", own, "must be greater than 0")


def _once(path: str, probe: Obj | None) -> Errors:
    if probe is not None and probe.get("successThreshold") != 1:
        yield invalid_value(f"{path}.successThreshold", probe.get("successThreshold") or 0, "must be 1")


def check_probes(path: str, container: Obj, grace: int) -> Errors:
    """The three probes of an ordinary or restartable container."""
    liveness, readiness, startup = (container.get(f"{kind}Probe") for kind in ("liveness", "readiness", "startup"))
    yield from check_probe(f"{path}.livenessProbe", liveness, grace)
    yield from _once(f"{path}.livenessProbe", liveness)
    yield from check_probe(f"{path}.readinessProbe", readiness, grace)
    if readiness is not None and readiness.get("terminationGracePeriodSeconds") is not None:
        yield invalid_value(
            f"{path}.readinessProbe.terminationGracePeriodSeconds",
            readiness["terminationGracePeriodSeconds"],
            "must not be set for readinessProbes",
        )
    yield from check_probe(f"{path}.startupProbe", startup, grace)
    yield from _once(f"{path}.startupProbe", startup)


def check_lifecycle(path: str, lifecycle: Obj | None, grace: int, os: str) -> Errors:
    """postStart, preStop and stopSignal."""
    if lifecycle is None:
        return
    for hook in ("postStart", "preStop"):
        if lifecycle.get(hook) is not None:
            yield from check_handler(f"{path}.{hook}", lifecycle[hook], grace)
    signal = lifecycle.get("stopSignal")
    if signal is None:
        return
    if not os:
        yield forbidden_value(f"{path}.stopSignal", "may not be set for containers with empty `spec.os.name`")
    elif os == "windows":
        if signal not in ("SIGKILL", "SIGTERM"):
            yield not_supported(f"{path}.stopSignal", signal, ("SIGKILL", "SIGTERM"))
    elif signal not in _SIGNALS:
        yield not_supported(f"{path}.stopSignal", signal, _SIGNALS)


def forbid_for_init(path: str, container: Obj) -> Errors:
    """What an init container that runs to its end may not have."""
    if is_sidecar(container):
        return
    for field in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(field) is not None:
            yield forbidden_value(f"{path}.{field}", "may not be set for init containers without restartPolicy=Always")
