"""Loss and accuracy on validation windows during training."""

import torch
from torch import Tensor

from model.autoencoder import Autoencoder, reconstruction_loss
from model.data import WindowSet


@torch.no_grad()
def validate(model: Autoencoder, windows: WindowSet, batch: int) -> dict[str, float]:
    """Returns the loss and the accuracy of the windows' mean codes.

    An autoregressive decoder is fed the true states for its loss, and its own for its accuracy.
    """
    loss = hits = 0.0
    for tokens in torch.split(windows.tokens, batch):
        batch_loss, logits, z = teacher_forced(model, tokens)
        predicted = model.tokens(z) if model.autoregressive else logits.argmax(dim=-1)
        loss += batch_loss.item() * len(tokens)
        hits += (predicted == tokens).float().mean().item() * len(tokens)
    return {"validation_loss": loss / len(windows), "validation_accuracy": hits / len(windows)}


@torch.no_grad()
def teacher_forced(model: Autoencoder, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the loss of the mean codes, the logits, (batch, tracks, steps, 130), and the codes.

    An autoregressive decoder is fed the true states, tokens: (batch, tracks, steps).
    """
    z = model.codes(tokens)
    logits = model.decode(z, tokens)
    return reconstruction_loss(logits, tokens), logits, z
