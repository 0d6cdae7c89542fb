"""Floor 1: one file per resource kind (defaults, preparation, validation, columns, description), and the schema data.

Pure: no I/O but reading the packaged schema. The pipeline in kk.server asks kk.kinds.registry for a Resource.
"""
