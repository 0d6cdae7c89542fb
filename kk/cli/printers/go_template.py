"""`-o go-template=TEMPLATE` and `-o go-template-file=FILE` (also spelled template and templatefile): kk.cli.gotemplate, no newline added."""

from __future__ import annotations

from typing import Any

from ..context import Env
from ..errors import CommandError


class GoTemplatePrinter:
    """Writes what the template makes of an object."""

    def __init__(self, env: Env, argument: str = ""):
        from ..gotemplate import Template, TemplateFault

        if not argument:
            raise CommandError("template format specified but no template given")
        self.env, self.text = env, argument
        allow = bool(getattr(env.options, "allow_missing_template_keys", True))
        try:
            self.template = Template(argument, missing_is_error=not allow)
        except TemplateFault as error:
            raise CommandError(f"error parsing template {argument}, template: output:1: {error}") from None

    def show(self, obj: dict[str, Any]) -> None:
        """Write one object."""
        from ..gotemplate import TemplateFault

        try:
            self.env.stdout.write(self.template.render(obj))
        except TemplateFault as error:
            raise CommandError(f'error executing template "{self.text}": template: output:1: {error}') from None


PRINTER = GoTemplatePrinter
