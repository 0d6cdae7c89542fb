"""OpenAPI documents of what is served: derived from the schema, described at run time from a package that carries the texts."""
