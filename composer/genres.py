"""Steps toward genres, and how near to them music is."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from composer.editor import Editor
from composer.part import Part
from music.editing.arrangement import Edit

FULL = 5.0
"""How far a strength of 1 moves codes toward a genre, in standard deviations of the codes in that direction.

It brings windows on average about where real windows of the genre stand with a classifier (docs/results.md).
"""


@dataclass(frozen=True)
class GenreReply:
    """What came of a move toward a genre."""

    name: str
    asked: float
    before: float
    """How many percent of real windows are less like the genre, by a classifier of the music; NaN if it has none."""
    after: float

    def text(self) -> str:
        """Says it: "jazz: asked +0.7; percentile among real music 45, now 63"."""
        if np.isnan(self.after):
            return f"{self.name}: asked {self.asked:+g}; the model has no classifier of this genre to measure it"
        return (
            f"{self.name}: asked {self.asked:+g}; percentile among real music {self.before:.0f}, now {self.after:.0f}"
        )


def genre_step(editor: Editor, genres: Mapping[str, float]) -> Tensor:
    """Returns the sum of steps toward genres, (latent,); less than 0 is away. Raises `InputError` for unknown ones."""
    step = torch.zeros_like(editor.scales.codes)
    for name, strength in genres.items():
        step += strength * FULL * editor.scales.genre_steps[editor.genre(name)]
    return step


def genre_reply(editor: Editor, part: Part, edit: Edit, name: str, asked: float) -> GenreReply:
    """Returns what an edit made of a part's likeness to a genre: means over its windows."""
    scores, genre = editor.scales.genre_scores, editor.genre(name)
    if scores is None:
        return GenreReply(name, asked, float("nan"), float("nan"))
    before, after = (scores.percentiles(windows)[:, genre] for windows in (part.windows, part.windows_after(edit)))
    return GenreReply(name, asked, float(before.mean()), float(after.mean()))
