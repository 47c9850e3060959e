"""Rendering a page from a template: sandboxed, strict about undefined names, escaping whatever it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from opsctl.core.errors import ConfigurationError
from opsctl.core.text import printable


def rendered(templates: Path, name: str, values: Mapping[str, Any],
             filters: Mapping[str, Callable[..., Any]] | None = None) -> str:
    """The template's text with `values`. ConfigurationError when it does not exist or cannot be rendered."""
    from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(loader=FileSystemLoader(templates), undefined=StrictUndefined, autoescape=True,
                                       trim_blocks=True, lstrip_blocks=True)
    environment.filters.update({"printable": printable, **(filters or {})})
    try:
        return environment.get_template(name).render(**values)
    except TemplateNotFound:
        raise ConfigurationError(f"the template {templates / name} does not exist",
                                 "name the folder in opsctl.yml under `templates`, or run opsctl where it is") from None
    except TemplateError as error:
        raise ConfigurationError(f"the template {templates / name} cannot be rendered: {error.message}",
                                 "correct the template") from error
