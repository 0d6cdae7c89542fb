"""The generators of `kk create`: one file each; `build` of kk.cli.verbs.create ends each of them."""
