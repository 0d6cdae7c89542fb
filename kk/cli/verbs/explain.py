"""`kk explain`: what a type and its fields are for, from the server's OpenAPI v3 documents."""

from __future__ import annotations

import textwrap

from ..command import Command, Flag, Options
from ..context import Env
from ..errors import CommandError, no_resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from kk.client.discovery import APIResource

_WIDTH = 80
_REF = "#/components/schemas/"


def run(env: Env, options: Options) -> None:
    """Print what the path names."""
    if not options.args:
        raise CommandError(
            "You must specify the type of resource to explain. "
            f'Use "{env.prog} api-resources" for a complete list of supported resources.'
        )
    if len(options.args) > 1:
        raise CommandError("We accept only this format: explain RESOURCE")
    if options.output not in ("plaintext", "plaintext-openapiv2"):
        raise CommandError(f'unrecognized format: "{options.output}"')
    resource, path = _resource(env, options)
    document = _document(env, resource)
    schemas = (document.get("components") or {}).get("schemas") or {}
    Explanation(schemas, resource).write(env, path, options.recursive)


def _resource(env: Env, options: Options) -> tuple[APIResource, list[str]]:
    word = options.args[0].rstrip(".")
    parts = word.split(".")
    found, used = None, 1
    for count in range(len(parts), 0, -1):
        # the longest beginning that names a type: `deployments.apps.spec` has its group inside
        if count > 1:
            candidate = env.discovery.find(".".join(parts[:count]))
            if candidate is not None and candidate.group and ".".join(parts[1:count]).endswith(candidate.group):
                found, used = candidate, count
                break
        else:
            found = env.discovery.find(parts[0])
    if found is None:
        raise no_resource(parts[0])
    if options.api_version:
        other = env.find_kind(options.api_version, found.kind)
        if other is None:
            raise CommandError(f'couldn\'t find resource for "{options.api_version}, Resource={found.name}"')
        found = other
    return found, parts[used:]


def _document(env: Env, resource: APIResource) -> dict[str, Any]:
    root = env.client.request("GET", "/openapi/v3").json().get("paths") or {}
    name = f"apis/{resource.group}/{resource.version}" if resource.group else f"api/{resource.version}"
    if name not in root:
        raise CommandError(f'couldn\'t find resource for "{resource.api_version}, Kind={resource.kind}"')
    path, _, query = root[name]["serverRelativeURL"].partition("?")
    hash_ = dict(p.partition("=")[::2] for p in query.split("&")) if query else {}
    return env.client.request("GET", path, query=hash_).json()


class Explanation:
    """Explains one type out of a document's schemas."""

    def __init__(self, schemas: dict[str, Any], resource: APIResource):
        self.schemas, self.resource = schemas, resource

    def write(self, env: Env, path: list[str], recursive: bool) -> None:
        """Write the explanation of a field path below the type."""
        field, name = self._root(), ""
        group = [f"GROUP:      {self.resource.group}"] if self.resource.group else []
        for line in (*group, f"KIND:       {self.resource.kind}", f"VERSION:    {self.resource.version}", ""):
            env.out(line)
        for step in path:
            field, name = self._child(self._struct(field), step), step
        struct = self._struct(field)
        lines = []
        if name:
            lines += [f"FIELD: {name} <{self.type_of(field)}>", ""]
            lines += self._enum(field) or [""]
        lines.append("DESCRIPTION:")
        lines += _wrapped(self._descriptions(field, struct), 4)
        lines.append("    ")
        if struct.get("properties"):
            lines.append("FIELDS:")
            lines += self._fields(struct, 1, recursive, ())
        lines.append("")
        env.out("\n".join(lines))

    def _root(self) -> dict[str, Any]:
        for schema in self.schemas.values():
            for gvk in schema.get("x-kubernetes-group-version-kind") or ():
                if (gvk.get("group", ""), gvk.get("version"), gvk.get("kind")) == (
                    self.resource.group,
                    self.resource.version,
                    self.resource.kind,
                ):
                    return schema
        raise CommandError(f'couldn\'t find resource for "{self.resource.api_version}, Kind={self.resource.kind}"')

    def _child(self, struct: dict[str, Any], step: str) -> dict[str, Any]:
        found = (struct.get("properties") or {}).get(step)
        if found is None:
            raise CommandError(f'field "{step}" does not exist')
        return found

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema behind references."""
        reference = schema.get("$ref") or next((one["$ref"] for one in schema.get("allOf") or () if "$ref" in one), "")
        return self.schemas.get(reference.removeprefix(_REF), {}) if reference else schema

    def _struct(self, schema: dict[str, Any]) -> dict[str, Any]:
        """What has the fields: the schema itself, or that of its items."""
        found = self._resolved(schema)
        while True:
            inner = found.get("items") or found.get("additionalProperties")
            if found.get("properties") or not isinstance(inner, dict):
                return found
            found = self._resolved(inner)

    def type_of(self, schema: dict[str, Any]) -> str:
        """`string`, `[]Container`, `map[string]string`, `PodSpec`."""
        reference = schema.get("$ref") or next((one["$ref"] for one in schema.get("allOf") or () if "$ref" in one), "")
        if reference:
            named = self.schemas.get(reference.removeprefix(_REF), {})
            if named.get("type") == "object" and named.get("properties"):
                return reference.rpartition(".")[2]
            if named.get("oneOf"):
                return reference.rpartition(".")[2]
            return reference.rpartition(".")[2] if named.get("type") == "object" else named.get("type", "Object")
        kind = schema.get("type")
        if kind == "array":
            return "[]" + self.type_of(schema.get("items") or {})
        if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
            return "map[string]" + self.type_of(schema["additionalProperties"])
        return str(kind or "Object")

    def _enum(self, schema: dict[str, Any]) -> list[str]:
        values = self._resolved(schema).get("enum") or schema.get("enum") or []
        return ["ENUM:", *(f"    {v}" for v in values), ""] if values else []

    def _descriptions(self, field: dict[str, Any], struct: dict[str, Any]) -> list[str]:
        found = [field.get("description") or "", struct.get("description") or ""]
        resolved = self._resolved(field)
        if resolved is not struct:
            found.insert(1, resolved.get("description") or "")
        once = list(dict.fromkeys(t for t in found if t))
        return once or ["<empty>"]

    def _fields(self, struct: dict[str, Any], level: int, recursive: bool, seen: tuple[str, ...]) -> list[str]:
        lines: list[str] = []
        indent = "  " * level
        required = set(struct.get("required") or ())
        for name in sorted(struct.get("properties") or {}):
            field = struct["properties"][name]
            mark = " -required-" if name in required else ""
            lines.append(f"{indent}{name}\t<{self.type_of(field)}>{mark}")
            enum = self._resolved(field).get("enum") or []
            if enum:
                lines.append(f"{indent}enum: {_shown_enum(enum, recursive)}")
            if recursive:
                inner = self._struct(field)
                key = self.type_of(field).lstrip("[]")
                if inner.get("properties") and key not in seen:
                    lines += self._fields(inner, level + 1, True, (*seen, key))
                continue
            texts = [field.get("description") or self._resolved(field).get("description") or "<no description>"]
            lines += _wrapped(texts, 4)
            lines.append("")
        return lines


def _shown_enum(values: list[Any], recursive: bool) -> str:
    shown = [str(v) for v in values]
    if len(shown) > 4:
        return ", ".join(shown[:4]) + ", ...."
    return ", ".join(shown)


def _wrapped(texts: list[str], indent: int) -> list[str]:
    """Paragraphs wrapped to the width of help, behind spaces."""
    lines: list[str] = []
    for text in texts:
        for paragraph in text.split("\n"):
            wrapped = textwrap.wrap(
                paragraph, _WIDTH - indent, break_long_words=False, break_on_hyphens=False, replace_whitespace=False
            )
            lines += [" " * indent + line for line in wrapped] or [" " * indent]
    return lines


COMMAND = Command(
    "explain",
    "Explain a type and its fields",
    run,
    section="Basic Commands (Intermediate)",
    usage="TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group] [-o|--output=plaintext|plaintext-openapiv2]",
    text="Explain a type, or a field of it: <type>.<fieldName>[.<fieldName>]. The text is the server's.",
    examples="""# A type
kk explain pods

# A field
kk explain pods.spec.containers

# All fields below, without their text
kk explain deployment.spec --recursive

# In another version
kk explain hpa --api-version=autoscaling/v1""",
    flags=(
        Flag("api-version", help="Explain the type in this version, group/version."),
        Flag(
            "output",
            "o",
            default="plaintext",
            help="plaintext or plaintext-openapiv2.",
            values=("plaintext", "plaintext-openapiv2"),
        ),
        Flag("recursive", "R", type="bool", help="List the fields of fields, names and types only."),
    ),
    complete="resources",
)
