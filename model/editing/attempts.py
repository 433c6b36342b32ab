"""Windows that are being edited: a moved code is decoded, what came out is measured, and the nearest is kept."""

import torch
from torch import Tensor

from model.autoencoder import Autoencoder
from model.editing.difference import decode_difference
from model.editing.measured import measured_attributes
from model.editing.request import Edited, EditSettings, Request, Spread


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
        self.codes = model.codes(tokens)
        with torch.no_grad():
            self.before = self.log_probabilities(self.codes)
        self.asked = self.codes.new_tensor(list(request.changes.values()))[:, None]
        self._original = self._measured(tokens)
        got = self._original - self._original
        self.edited = Edited(tokens, self.codes, got, torch.zeros(len(tokens), dtype=torch.bool, device=tokens.device))
        self._nearest = self._error(got)

    def log_probabilities(self, codes: Tensor) -> Tensor:
        """Returns those of the states, (windows, tracks, steps, 130); an autoregressive decoder is fed the windows."""
        return self.model.decode(codes, self.tokens).log_softmax(dim=-1)

    @torch.no_grad()
    def attempt(self, codes: Tensor, after: Tensor) -> Tensor:
        """Applies what moved codes change, and returns the measured changes, (attributes, windows).

        after: the log probabilities of the states given the moved codes.
        """
        tokens = decode_difference(
            self.tokens, self.before, after, self.settings.faithfulness, self.settings.plausibility
        )
        if self.request.mask is not None:
            tokens = torch.where(self.request.mask, tokens, self.tokens)
        got = self._measured(tokens) - self._original
        error = self._error(got)
        nearer = (error < self._nearest) & ~self.edited.arrived
        self._nearest = torch.where(nearer, error, self._nearest)
        self.edited = Edited(
            torch.where(nearer[:, None, None], tokens, self.edited.tokens),
            torch.where(nearer[:, None], codes, self.edited.codes),
            torch.where(nearer, got, self.edited.got),
            self._nearest <= self.settings.tolerance,
        )
        return got

    def _measured(self, tokens: Tensor) -> Tensor:
        """Returns the attributes of the request in standard deviations, (attributes, windows)."""
        values = measured_attributes(tokens, self.model.config.tracks, list(self.request.changes))
        rows = [torch.from_numpy(row / self.spread.attributes[name]) for name, row in values.items()]
        return torch.stack(rows).to(self.codes)

    def _error(self, got: Tensor) -> Tensor:
        """Returns (windows,) the largest share that any change misses of what was asked; infinite where undefined."""
        return ((got - self.asked).abs() / self.asked.abs()).nan_to_num(nan=torch.inf).amax(dim=0)
