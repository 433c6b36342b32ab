"""The texts of the report: macros of a Jinja template beside the code of each part."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATE = "prose.jinja"


class Prose:
    """The texts of one part. Each is a macro; called with its facts, it gives one paragraph of plain text.

        {% macro caption(windows) %}
        What {{ windows }} windows have in common.
        {% endmacro %}

        Prose(__file__).text("caption", windows=3)

    The page that shows a text escapes it; a fact that a macro needs and was not given is an error.
    """

    def __init__(self, beside: str) -> None:
        """Loads the template. beside: a file in its folder."""
        environment = Environment(
            loader=FileSystemLoader(Path(beside).parent), undefined=StrictUndefined, autoescape=False
        )
        self._macros = environment.get_template(TEMPLATE).module

    def text(self, name: str, /, **facts: Any) -> str:
        """Fills in the macro of this name; line breaks and indents of the template become single spaces."""
        return " ".join(getattr(self._macros, name)(**facts).split())
