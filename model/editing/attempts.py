"""Windows that are being edited: a moved code is decoded, what came out is measured, and the nearest is kept."""

from collections.abc import Sequence

import torch
from torch import Tensor

from model.autoencoder import Autoencoder
from model.editing.difference import decode_difference, log_probabilities
from model.editing.expectations import EXPECTATIONS
from model.editing.measured import measured_attributes
from model.editing.request import Edited, EditSettings, Request, Spread
from music.tokens import STATES


class Attempts:
    """The attempts at one edit of some windows.

    A window's result is final at its first attempt within the tolerance, which is the shortest way there if attempts
    begin at the window. Until then it is the attempt that came nearest, at first the window itself.
    """

    def __init__(
        self, model: Autoencoder, tokens: Tensor, request: Request, spread: Spread, settings: EditSettings
    ) -> None:
        """Encodes the windows, (windows, tracks, steps) on the model's device."""
        request.check(spread)
        self.model, self.tokens, self.request, self.spread, self.settings = model, tokens, request, spread, settings
        self.mask = None if request.mask is None else request.mask.expand_as(tokens)
        self.allowed = None if request.allowed is None else request.allowed.expand(*tokens.shape, STATES)
        self.codes = model.codes(tokens)
        self.open = torch.arange(len(tokens), device=tokens.device)
        """(open,) the windows that have not arrived yet."""
        with torch.no_grad():
            self.before = self.log_probabilities(self.codes)
        self.asked = self.codes.new_tensor(list(request.changes.values()))[:, None]
        self._original = self._measured(tokens)
        self._got = self._original - self._original
        self._missed = self._missed_share(self._got)
        self._tokens, self._codes = tokens.clone(), self.codes.clone()

    @property
    def edited(self) -> Edited:
        """What has come of the edit so far."""
        return Edited(self._tokens, self._codes, self._got, self._missed <= self.settings.tolerance)

    def log_probabilities(self, codes: Tensor) -> Tensor:
        """Returns those of the open windows' states; (open, latent) -> (open, tracks, steps, 130).

        An autoregressive decoder is fed the windows as they are.
        """
        here = self.open
        own, allowed = self.tokens[here], None if self.allowed is None else self.allowed[here]
        return log_probabilities(self.model.decode(codes, own), own, allowed)

    @torch.no_grad()
    def attempt(self, codes: Tensor, after: Tensor) -> Tensor:
        """Applies what moved codes of the open windows change; returns the measured changes, (attributes, open).

        codes: (open, latent), after: the log probabilities given these codes. Windows that arrive are open no more.
        """
        settings, here = self.settings, self.open
        own = self.tokens[here]
        tokens = decode_difference(own, self.before[here], after, settings.faithfulness, settings.plausibility)
        if self.mask is not None:
            tokens = torch.where(self.mask[here], tokens, own)
        got = self._measured(tokens) - self._original[:, here]
        missed = self._missed_share(got)
        nearer = missed < self._missed[here]
        kept = here[nearer]
        self._tokens[kept], self._codes[kept] = tokens[nearer], codes[nearer]
        self._got[:, kept], self._missed[kept] = got[:, nearer], missed[nearer]
        self.open = here[self._missed[here] > settings.tolerance]
        return got

    def expected(self, log_probabilities: Tensor, names: Sequence[str]) -> Tensor:
        """Returns the open windows' expected attributes in standard deviations, (attributes, open).

        The probabilities are taken at the temperature of the settings; states outside the mask are certain.
        """
        probabilities = (log_probabilities / self.settings.temperature).softmax(dim=-1)
        if self.mask is not None:
            own = self.tokens[self.open].long()[..., None]
            certain = torch.zeros_like(probabilities).scatter(-1, own, 1)
            probabilities = torch.where(self.mask[self.open][..., None], probabilities, certain)
        tracks, units = self.model.config.tracks, self.spread.attributes
        return torch.stack([EXPECTATIONS[name](probabilities, tracks) / units[name] for name in names])

    def given_up(self, log_probabilities: Tensor) -> Tensor:
        """Returns how many states of the open windows, of those that may change, the decoder is expected not to give.

        The sum over the windows is one number.
        """
        own = self.tokens[self.open].long()[..., None]
        chance = 1 - log_probabilities.gather(-1, own).squeeze(-1).exp()
        return chance.sum() if self.mask is None else (chance * self.mask[self.open]).sum()

    def _measured(self, tokens: Tensor) -> Tensor:
        """Returns the attributes of the request in standard deviations, (attributes, windows)."""
        values = measured_attributes(tokens, self.model.config.tracks, list(self.request.changes))
        rows = [torch.from_numpy(row / self.spread.attributes[name]) for name, row in values.items()]
        return torch.stack(rows).to(self.codes)

    def _missed_share(self, got: Tensor) -> Tensor:
        """Returns (windows,) the largest share that any change misses of what was asked; infinite where undefined."""
        return ((got - self.asked).abs() / self.asked.abs()).nan_to_num(nan=torch.inf).amax(dim=0)
