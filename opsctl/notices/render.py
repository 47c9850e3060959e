"""A letter as text and as HTML, by the templates of templates/notices and the customer's own."""

from __future__ import annotations

import re
import textwrap
import traceback
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from opsctl.contract.services import PRODUCT
from opsctl.core.errors import ConfigurationError
from opsctl.notices.brand import Brand
from opsctl.notices.layers import Layers
from opsctl.notices.model import Letter, NoticeKind

TEXT = ".txt.j2"
HTML = ".html.j2"
COMMON = "message"
"""The template of every kind that has none of its own, such as `security.html.j2`."""
LINE = 76
_BLANK_LINES = re.compile(r"\n{4,}")


def text(letter: Letter, brand: Brand, layers: Layers) -> str:
    """The text part; ends with one line feed."""
    rendered = _rendered(TEXT, letter, brand, layers)
    return _BLANK_LINES.sub("\n\n\n", rendered).strip("\n") + "\n"


def html(letter: Letter, brand: Brand, layers: Layers) -> str:
    """The HTML part; ends with one line feed."""
    rendered = _rendered(HTML, letter, brand, layers)
    return "\n".join(line for line in rendered.splitlines() if line.strip()) + "\n"


def names(kind: NoticeKind, suffix: str) -> tuple[str, str]:
    """The templates for a kind, the first that there is counts."""
    return f"{kind.value}{suffix}", f"{COMMON}{suffix}"


def _rendered(suffix: str, letter: Letter, brand: Brand, layers: Layers) -> str:
    wanted = names(letter.kind, suffix)
    try:
        template = _environment(layers.folders).select_template(wanted)
        return template.render(letter=letter, brand=brand, product=PRODUCT, c=brand.colours.light,
                               d=brand.colours.dark)
    except TemplateNotFound:
        raise ConfigurationError(f"the template {layers.base / wanted[1]} does not exist, or one that it extends",
                                 "name the folder in opsctl.yml under `templates`, or run opsctl where it is") from None
    except TemplateSyntaxError as error:
        raise ConfigurationError(f"the template {error.filename}:{error.lineno} is wrong: {error.message}",
                                 "correct the template") from error
    except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
        raise ConfigurationError(f"the template {_place(error, layers)} cannot be rendered: {error}",
                                 "correct the template") from error


def _place(error: Exception, layers: Layers) -> str:
    """File and line of the innermost template that the error went through."""
    found = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)
             if any(Path(frame.filename).is_relative_to(folder) for folder in layers.folders)]
    return found[-1] if found else str(layers.base)


class _Sandbox(SandboxedEnvironment):
    """Jinja's sandbox, asked once for each type and attribute: its answer depends on nothing else."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._answers: dict[tuple[type, str], bool] = {}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may read `attr` of `obj`."""
        key = (type(obj), attr)
        if key not in self._answers:
            self._answers[key] = super().is_safe_attribute(obj, attr, value)
        return self._answers[key]


@lru_cache(maxsize=64)
def _environment(folders: tuple[Path, ...]) -> SandboxedEnvironment:
    """One environment per customer's layers: it compiles each template once and again when the file changes."""
    environment = _Sandbox(
        loader=FileSystemLoader(folders), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=lambda name: name is None or name.endswith(HTML))
    environment.filters["wrapped"] = wrapped
    return environment


def wrapped(words: str, first: str = "", rest: str = "") -> str:
    """`words` in lines of at most 76 characters; what has no space in it, such as a link, is never broken."""
    return textwrap.fill(words, LINE, initial_indent=first, subsequent_indent=rest, break_long_words=False,
                         break_on_hyphens=False)
