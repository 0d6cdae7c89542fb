"""Floor 2, the log: revisions of opaque bytes under string keys, durable, in order. Knows no kind and no HTTP."""
