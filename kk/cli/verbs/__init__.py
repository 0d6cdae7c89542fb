"""Verbs: one file each, loaded on use; the file name is the verb (`api_resources.py` is `api-resources`).

A file holds one constant `COMMAND = Command(name, summary, run, …)` (kk.cli.command) with everything about the verb: its help, flags,
examples and `run(env, options)`:

    COMMAND = Command("cordon", "Mark a node as unschedulable", run, usage="NODE", flags=(DRY_RUN, SELECTOR), section="Cluster Management Commands",
                      examples="kk cordon node-1", complete="nodes")

    def run(env: Env, options: Options) -> int | None: ...

- `env` (kk.cli.context.Env): `.client` (`.request(method, path, query=, body=, …) -> Response`, raises StatusError), `.namespace`, `.find("deploy")`, `.discovery`,
  `.out(line)`, `.err(line)`, `.warn(text)`, `.confirm(question)`, `.stdin/.stdout/.stderr`, `.usage(message, "create job")` makes a usage error.
- `options`: a value per flag (`--dry-run` is `options.dry_run`), `.args` (words), `.changed` (names of given flags), `.dash` (words before `--`).
- Which objects are meant: `kk.cli.resources.select(env, options.args, …)` and `Selection.each(act)`.
- Results and `-o`: `kk.cli.results.Results(env, "scaled")`: `.tell(item_or_object)`.
- Errors: raise kk.cli.errors.CommandError("…") (printed as `error: …`, exit status 1), let StatusError pass; return an exit status only where it is not 0.
- Heavy imports (yaml, requests, kk.kinds) go inside functions; the top of the file stays cheap.
- A verb with sub-verbs (`create`, `rollout`, `set`, `config`) names their folder: `Command("rollout", …, package="kk.cli.verbs.rollout_")`, and files there are named
  as the sub-verb with `COMMAND = Command("rollout undo", …)`. Other spellings stand in its `aliases`.
- Help texts say `kk`; called as kubectl they are shown with `kubectl` in its place.
"""
