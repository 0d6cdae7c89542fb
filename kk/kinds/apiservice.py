"""APIService: a group and version of the API, and who serves it: this server, or another behind a Service."""

from kk.base import names
from kk.base.errors import invalid_value, not_supported, required
from kk.kinds._cells import condition
from kk.kinds._checks import Errors, Obj, bad, each, fill, section
from kk.kinds.kind import AGE, Column, Kind


def default(obj: Obj) -> None:
    """Services listen on 443."""
    spec = section(obj, "spec")
    fill(spec, "groupPriorityMinimum", 0)
    fill(spec, "versionPriority", 0)
    if spec.get("service") is not None:
        fill(spec["service"], "port", 443)


def prepare_create(obj: Obj) -> None:
    """What is served here is available; of the rest the server tells when it has asked."""
    obj["status"] = {}
    if obj["spec"].get("service") is None:
        local = {"type": "Available", "status": "True", "lastTransitionTime": obj["metadata"].get("creationTimestamp")}
        told = {"reason": "Local", "message": "Local APIServices are always available"}
        obj["status"] = {"conditions": [{**local, **told}]}


def validate(obj: Obj, old: Obj | None) -> Errors:
    """The name is VERSION.GROUP."""
    spec, name = obj["spec"], obj["metadata"].get("name") or ""
    group, version = spec.get("group") or "", spec.get("version") or ""
    if name != f"{version}.{group}":
        yield invalid_value("metadata.name", name, f'must be `spec.version+"."+spec.group`: "{version}.{group}"')
    if not group:
        if version != "v1":
            yield required("spec.group", "only v1 may have an empty group and it better be legacy kube")
    else:
        yield from bad("spec.group", group, names.dns_subdomain(group))
    yield from bad("spec.version", version, names.dns1035_label(version))
    for field, most in (("groupPriorityMinimum", 20000), ("versionPriority", 1000)):
        value = spec.get(field) or 0
        if not 0 < value <= most:
            yield invalid_value(f"spec.{field}", value, f"must be positive and less than {most}")
    yield from _service(spec)


def _service(spec: Obj) -> Errors:
    service, bundle, skip = spec.get("service"), spec.get("caBundle"), bool(spec.get("insecureSkipTLSVerify"))
    if service is None:
        if bundle:
            yield invalid_value("spec.caBundle", f"{len(bundle)} bytes", "local APIServices may not have a caBundle")
        if skip:
            yield invalid_value(
                "spec.insecureSkipTLSVerify", skip, "local APIServices may not have insecureSkipTLSVerify"
            )
        return
    for field in ("namespace", "name"):
        if not service.get(field):
            yield required(f"spec.service.{field}")
    port = service.get("port")
    if port is not None and not 1 <= port <= 65535:
        yield invalid_value("spec.service.port", port, "port is not valid: must be between 1 and 65535, inclusive")
    if skip and bundle:
        yield invalid_value("spec.insecureSkipTLSVerify", skip, "may not be true if caBundle is present")


def _service_cell(obj: Obj) -> str:
    service = (obj.get("spec") or {}).get("service")
    return f"{service.get('namespace', '')}/{service.get('name', '')}" if service else "Local"


def _available(obj: Obj) -> str:
    found = condition(obj, "Available")
    if found is None:
        return "Unknown"
    status, reason = found.get("status", ""), found.get("reason")
    return f"{status} ({reason})" if status != "True" and reason else str(status)


def validate_status(obj: Obj, old: Obj) -> Errors:
    """A condition holds, does not, or nobody knows."""
    known = ("True", "False", "Unknown")
    for where, found in each("status.conditions", (obj.get("status") or {}).get("conditions")):
        if found.get("status") not in known:
            yield not_supported(f"{where}.status", found.get("status") or "", known)


KIND = Kind(
    "apiregistration.k8s.io/v1",
    "APIService",
    default=default,
    prepare_create=prepare_create,
    validate=validate,
    validate_status=validate_status,
    validate_name=names.path_segment,
    columns=(
        Column("Service", _service_cell, description="The reference to the service that hosts this API endpoint."),
        Column("Available", _available, description="Whether this service is available."),
        AGE,
    ),
    status=True,
    generation=False,
    unconditional_update=False,
)
