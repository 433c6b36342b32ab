"""A trained model, ready to edit music with."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from model.autoencoder import Autoencoder
from model.checkpoint import Description, load
from model.scales import Scales, load_scales
from model.threads import use_threads
from music.errors import InputError
from music.tokens import TRACKS, Tokens

MODELS = Path(__file__).with_name("models")
DEFAULT = MODELS / "2bar"
"""The model that is taken unless another is named."""
BATCH = 64
"""The number of windows that the model works on at once."""


@dataclass(frozen=True)
class Editor:
    """A model of all four tracks, and the scales by which changes are measured."""

    model: Autoencoder
    description: Description
    scales: Scales
    name: str
    """The folder that it was loaded from."""

    @property
    def bars(self) -> int:
        """The length of the model's windows."""
        return self.description.model.bars

    @property
    def genres(self) -> list[str]:
        """The genres that music can be moved toward, in the order of the circle."""
        return self.description.data.genres

    def genre(self, name: str) -> int:
        """Returns the number of a genre. Raises `InputError` for one that the model does not know."""
        if name not in self.genres:
            raise InputError(f"the model knows no genre {name}; there are {', '.join(sorted(self.genres))}")
        return self.genres.index(name)

    def encode(self, windows: Tokens) -> Tensor:
        """Returns the codes of windows; (windows, 4, steps) -> (windows, latent)."""
        return torch.cat([self.model.codes(batch) for batch in torch.split(torch.from_numpy(windows), BATCH)])

    def decode(self, codes: Tensor) -> Tokens:
        """Returns the likeliest windows of codes; (windows, latent) -> (windows, 4, steps)."""
        windows: Tokens = torch.cat([self.model.tokens(batch) for batch in torch.split(codes, BATCH)]).numpy()
        return windows


def load_editor(folder: Path = DEFAULT) -> Editor:
    """Loads a model and its scales, by default the one of 2 bars that comes with the program.

    It works on one thread, so that a request gives the same bytes whatever the number of cores. Raises `InputError` if
    the folder has no model of all four tracks with its scales.
    """
    use_threads(1)
    model, description = load(folder)
    config = description.model
    if config.tracks != TRACKS or config.onsets != "starts":
        raise InputError(f"{folder}: a model of {', '.join(config.tracks)}; choose one of all four tracks")
    return Editor(model, description, load_scales(folder, description), folder.name)
