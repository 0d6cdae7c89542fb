"""Custom resources: what a CustomResourceDefinition describes is served like a built-in kind.

`definitions` follows the definitions and brings resources in and out; `resource` is one served version; `structural`, `validation`,
`formats`, `listtypes` and `embedded` are what its schema means for an object; `shelves` are other versions of the same stored objects.
"""
