"""What is on a page, for tests to look at."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """The tags, the attributes, the scripts, the tables and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        """The names of all attributes."""
        self.addresses: list[str] = []
        self.scripts: list[str] = []
        self.text = ""
        self.rows: list[list[str]] = []
        """The cells of every table."""
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag == "script":
            self.scripts.append("")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data):
        self.text += data
        if self.cdata_elem == "script":
            self.scripts[-1] += data
        if self._in_cell:
            self.rows[-1][-1] += data
