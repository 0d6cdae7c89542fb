"""DeviceClass: devices that claims may ask for by one name."""

from kk.base.errors import invalid_value, too_many
from kk.kinds._checks import Errors, Obj, each, section
from kk.kinds._devices import check_config, check_selectors
from kk.kinds._resourcenames import is_extended
from kk.kinds.kind import AGE, Kind


def default(obj: Obj) -> None:
    """A spec is always there."""
    section(obj, "spec")


def validate(obj: Obj, old: Obj | None) -> Errors:
    """Selectors, configuration, and the resource name by which pods may ask too."""
    spec = obj["spec"]
    yield from check_selectors("spec.selectors", spec.get("selectors"))
    config = spec.get("config") or []
    if len(config) > 32:
        yield too_many("spec.config", len(config), 32)
    for path, one in each("spec.config", config):
        yield from check_config(path, one)
    name = spec.get("extendedResourceName")
    if name is not None and not is_extended(name):
        yield invalid_value("spec.extendedResourceName", name, "must be a valid extended resource name")


KIND = Kind("resource.k8s.io/v1", "DeviceClass", default=default, validate=validate, columns=(AGE,))
