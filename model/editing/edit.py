"""Edits of windows: codes are moved until the music has changed by what was asked for.

    spread = Spread(codes.std(dim=0), {"notes": 15.3, "polyphony": 0.42})
    edited = edit(model, tokens, Request({"notes": 1.0}, held=("polyphony",)), spread)

The code of each window is moved by gradients through the decoder, toward the *expected* attributes of its
probabilities, and the difference that this makes to the decoder is applied to the window (`decode_difference`). What
came out is measured, and the target of the gradients moves on until it agrees with what was asked for.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from model.autoencoder import Autoencoder
from model.editing.attempts import Attempts
from model.editing.expectations import EXPECTATIONS
from model.editing.request import Edited, EditSettings, Request, Spread
from music.tokens import STATES


def edit(
    model: Autoencoder, tokens: Tensor, request: Request, spread: Spread, settings: EditSettings | None = None
) -> Edited:
    """Changes windows by what is asked for; each window on its own, and the model's weights stay as they are.

    Adam moves each code, in units of the codes' deviation in each dimension. What it minimises is, in standard
    deviations, the squared distance of the expected attributes from their targets and of the held ones from where they
    were, and a price on distance: on every state of the window that the decoder is expected to give up. A target is at
    first what is asked for; it grows while the measured change is less than that, and shrinks while it is more.

    tokens: (windows, tracks, steps) on the model's device. Raises `InputError` as `Request.check` does.
    """
    settings = settings or EditSettings()
    attempts = Attempts(model, tokens, request, spread, settings)
    names = [*request.changes, *request.held]
    start = _expected(attempts, attempts.before, names)
    target = attempts.asked.expand(-1, len(tokens))
    shift = torch.zeros_like(attempts.codes, requires_grad=True)
    adam = torch.optim.Adam([shift], lr=settings.rate)
    for _ in range(settings.attempts):
        codes = attempts.codes + shift * spread.codes
        with torch.backends.cudnn.flags(enabled=False):  # its LSTMs have gradients in training mode alone
            after = attempts.log_probabilities(codes)
            got = attempts.attempt(codes, after)
            if attempts.edited.arrived.all():
                break
            missing = 1 - got.nan_to_num() / attempts.asked
            target = target * torch.exp(settings.gain * missing)
            wanted = torch.cat([target, torch.zeros(len(request.held), len(tokens), device=target.device)])
            distances = (_expected(attempts, after, names) - start - wanted).square().sum()
            (shift.grad,) = torch.autograd.grad(distances + settings.price * _given_up(attempts, after), shift)
        adam.step()
    return attempts.edited


def _expected(attempts: Attempts, log_probabilities: Tensor, names: Sequence[str]) -> Tensor:
    """Returns the expected attributes in standard deviations, (attributes, windows); what the mask keeps is certain."""
    probabilities = log_probabilities.exp()
    if attempts.request.mask is not None:
        certain = one_hot(attempts.tokens.long(), STATES).to(probabilities)
        probabilities = torch.where(attempts.request.mask[..., None], probabilities, certain)
    tracks, units = attempts.model.config.tracks, attempts.spread.attributes
    return torch.stack([EXPECTATIONS[name](probabilities, tracks) / units[name] for name in names])


def _given_up(attempts: Attempts, log_probabilities: Tensor) -> Tensor:
    """Returns how many of the windows' states, of those that may change, the decoder is expected not to give."""
    own = attempts.tokens.long()[..., None]
    chance = 1 - log_probabilities.gather(-1, own).squeeze(-1).exp()
    return chance.sum() if attempts.request.mask is None else (chance * attempts.request.mask).sum()
