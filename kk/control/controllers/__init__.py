"""Controllers, one file each, found by file name; each holds one `CONTROLLER`. Modules that begin with `_` are shared pieces."""
