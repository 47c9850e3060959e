"""A letter as text and as HTML, by the templates of templates/notices."""

from __future__ import annotations

import re
import textwrap
from functools import lru_cache
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateError, TemplateNotFound
from jinja2.sandbox import SandboxedEnvironment

from opsctl.contract.services import PRODUCT
from opsctl.core.errors import ConfigurationError
from opsctl.notices.brand import Brand
from opsctl.notices.model import Letter

TEXT = "message.txt.j2"
HTML = "message.html.j2"
LINE = 76
_BLANK_LINES = re.compile(r"\n{4,}")


def text(letter: Letter, brand: Brand, folder: Path) -> str:
    """The text part; ends with one line feed."""
    rendered = _rendered(TEXT, letter, brand, folder)
    return _BLANK_LINES.sub("\n\n\n", rendered).strip("\n") + "\n"


def html(letter: Letter, brand: Brand, folder: Path) -> str:
    """The HTML part; ends with one line feed."""
    rendered = _rendered(HTML, letter, brand, folder)
    return "\n".join(line for line in rendered.splitlines() if line.strip()) + "\n"


def _rendered(name: str, letter: Letter, brand: Brand, folder: Path) -> str:
    try:
        return _template(folder, name).render(letter=letter, brand=brand, product=PRODUCT, c=brand.colours.light,
                                              d=brand.colours.dark)
    except TemplateNotFound:
        raise ConfigurationError(f"the template {folder / name} does not exist",
                                 "name the folder in opsctl.yml under `templates`, or run opsctl where it is") from None
    except TemplateError as error:
        raise ConfigurationError(f"the template {folder / name} cannot be rendered: {error.message}",
                                 "correct the template") from error


def _template(folder: Path, name: str) -> Template:
    return _environment(folder).get_template(name)


@lru_cache(maxsize=4)
def _environment(folder: Path) -> SandboxedEnvironment:
    """One environment per folder: it compiles each template once and again when the file changes."""
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(folder), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=lambda name: name is None or name.endswith(".html.j2"))
    environment.filters["wrapped"] = wrapped
    return environment


def wrapped(words: str, first: str = "", rest: str = "") -> str:
    """`words` in lines of at most 76 characters; what has no space in it, such as a link, is never broken."""
    return textwrap.fill(words, LINE, initial_indent=first, subsequent_indent=rest, break_long_words=False,
                         break_on_hyphens=False)
