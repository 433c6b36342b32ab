"""Edits of windows: codes are moved until the music has changed by what was asked for.

    spread = Spread(codes.std(dim=0), {"notes": 15.3, "polyphony": 0.42})
    edited = edit(model, tokens, Request({"notes": 1.0}, held=("polyphony",)), spread)

The code of each window is moved by gradients through the decoder, toward the *expected* attributes of its
probabilities, and the difference that this makes to the decoder is applied to the window (`decode_difference`). What
came out is measured, and the target of the gradients moves on until it agrees with what was asked for.
"""

import torch
from torch import Tensor

from model.autoencoder import Autoencoder
from model.editing.attempts import Attempts
from model.editing.request import Edited, EditSettings, Request, Spread

ADAM = 0.9, 0.999
"""The decay rates of Adam's moments."""
SMALLEST_DEVIATION = 1e-8


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
    start = attempts.expected(attempts.before, names)
    wanted = torch.cat([attempts.asked, attempts.asked.new_zeros(len(request.held), 1)]).repeat(1, len(tokens))
    shift, mean, square = torch.zeros(3, *attempts.codes.shape, device=tokens.device)
    for number in range(1, settings.attempts + 1):
        here = attempts.open
        if not len(here):
            break
        moved = shift[here].requires_grad_()
        codes = attempts.codes[here] + moved * spread.codes
        with torch.backends.cudnn.flags(enabled=False):  # its LSTMs have gradients in training mode alone
            after = attempts.log_probabilities(codes)
            distances = (attempts.expected(after, names) - start[:, here] - wanted[:, here]).square().sum()
            (gradient,) = torch.autograd.grad(distances + settings.price * attempts.given_up(after), moved)
        got = attempts.attempt(codes, after)
        missing = 1 - got.nan_to_num() / attempts.asked
        wanted[: len(missing), here] *= torch.exp(settings.gain * missing)
        # As torch.optim.Adam, whose import takes seconds.
        mean[here] = mean[here].lerp(gradient, 1 - ADAM[0])
        square[here] = square[here].lerp(gradient.square(), 1 - ADAM[1])
        deviation = (square[here] / (1 - ADAM[1] ** number)).sqrt() + SMALLEST_DEVIATION
        shift[here] -= settings.rate * mean[here] / (1 - ADAM[0] ** number) / deviation
    return attempts.edited
