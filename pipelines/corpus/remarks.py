"""What reading a corpus has to tell its user: what was left out or could not be used, how often, and where first."""

from dataclasses import dataclass, field

EXAMPLES = 3


@dataclass
class Remark:
    """Something that was found in a corpus once or several times."""

    what: str
    count: int = 0
    examples: list[str] = field(default_factory=list)
    """The first few names for which it was found."""

    def __str__(self) -> str:
        more = ", ..." if self.count > len(self.examples) else ""
        return f"{self.what}: {self.count} ({', '.join(self.examples)}{more})"


class Remarks:
    """The remarks about a corpus, which its readers add to while they read."""

    def __init__(self) -> None:
        self._remarks: dict[str, Remark] = {}

    def add(self, what: str, example: str) -> None:
        """Counts one more `what`."""
        remark = self._remarks.setdefault(what, Remark(what))
        remark.count += 1
        if len(remark.examples) < EXAMPLES:
            remark.examples.append(example)

    def collected(self) -> list[Remark]:
        """Returns the remarks in the order in which each was first made."""
        return list(self._remarks.values())
