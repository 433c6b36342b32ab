"""MusAE once more, written out: one-hot products, loops over steps and directions, the critic's gradient by hand.

Weights go by the names of the real model's `state_dict`. Compared with `model` in tests/model/test_reference_model.py.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

STATES, TRACKS = 130, 4

Weights = Mapping[str, Tensor]


def linear(weights: Weights, name: str, x: Tensor) -> Tensor:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def lstm(weights: Weights, name: str, stopping: str, inputs: list[Tensor], hidden: Tensor) -> list[Tensor]:
    """One layer in one direction: its output at each step, for inputs already multiplied by `weight_ih`."""
    outputs = []
    cell = torch.zeros_like(hidden)
    for driven in inputs:
        recurrent = hidden @ weights[f"{name}.weight_hh_{stopping}"].T
        gates = driven + weights[f"{name}.bias_ih_{stopping}"] + recurrent + weights[f"{name}.bias_hh_{stopping}"]
        enter, keep, candidate, leave = gates.chunk(4, dim=-1)
        cell = torch.sigmoid(keep) * cell + torch.sigmoid(enter) * torch.tanh(candidate)
        hidden = torch.sigmoid(leave) * torch.tanh(cell)
        outputs.append(hidden)
    return outputs


def scale(prior: str, latent: int) -> float:
    """Root mean square of the prior's coordinates; of the flower, [P] equations 14-18."""
    return 1.0 if prior == "gaussian" else math.sqrt((1 + 0.1 + 0.001 * (latent - 1)) / latent)


def encode(weights: Weights, tokens: Tensor, layers: int, unit: float) -> tuple[Tensor, Tensor]:
    """tokens: (batch, 4, steps), unit: the prior's scale -> mean and log variance, (batch, latent) each."""
    embedding = weights["encoder.embedding.weight"]
    xs = []
    for step in range(tokens.shape[-1]):
        one_hot = torch.zeros(len(tokens), TRACKS * STATES, dtype=embedding.dtype)
        for window in range(len(tokens)):
            for track in range(TRACKS):
                one_hot[window, STATES * track + int(tokens[window, track, step])] = 1
        xs.append(one_hot @ embedding)
    for layer in range(layers):
        sides = []
        for stopping, order in ((f"l{layer}", 1), (f"l{layer}_reverse", -1)):
            driven = [x @ weights[f"encoder.lstm.weight_ih_{stopping}"].T for x in xs[::order]]
            start = torch.zeros_like(driven[0][:, : driven[0].shape[1] // 4])
            sides.append(lstm(weights, "encoder.lstm", stopping, driven, start)[::order])
        xs = [torch.cat(both, dim=-1) for both in zip(*sides, strict=True)]
    last = torch.cat([sides[0][-1], sides[1][0]], dim=-1)
    mean, log_variance = (linear(weights, f"encoder.{name}", last) for name in ("mean", "log_variance"))
    return unit * mean, log_variance + math.log(unit**2)


def decode(weights: Weights, z: Tensor, steps: int, layers: int, unit: float) -> Tensor:
    """z: (batch, latent) -> logits, (batch, 4, steps, 130)."""
    tracks = []
    for track in range(TRACKS):
        name = f"decoder.tracks.{track}"
        hidden = linear(weights, f"{name}.first_state", z / unit)
        driven = [z / unit @ weights[f"{name}.lstm.weight_ih_l0"].T] * steps
        for layer in range(layers):
            outputs = lstm(weights, f"{name}.lstm", f"l{layer}", driven, hidden)
            if layer < layers - 1:
                driven = [x @ weights[f"{name}.lstm.weight_ih_l{layer + 1}"].T for x in outputs]
        tracks.append(torch.stack([linear(weights, f"{name}.states", x) for x in outputs], dim=1))
    return torch.stack(tracks, dim=1)


def reconstruction_loss(logits: Tensor, tokens: Tensor) -> Tensor:
    """Cross entropy in nats, summed over tracks, averaged over windows and steps."""
    right = logits.gather(-1, tokens.long().unsqueeze(-1)).squeeze(-1)
    surprise = torch.log(torch.exp(logits).sum(dim=-1)) - right
    return surprise.sum(dim=1).mean()


def _hidden(weights: Weights, z: Tensor, genre: Tensor) -> tuple[Tensor, Tensor]:
    """Both layers of the critic; a genre, where it sees any, adds a column of its matrix."""
    seen = linear(weights, "critic.of_code", z)
    first = torch.tanh(
        seen + weights["critic.of_genre.weight"].T[genre] if "critic.of_genre.weight" in weights else seen
    )
    return first, torch.tanh(linear(weights, "critic.layers.1", first))


def scores(weights: Weights, z: Tensor, genre: Tensor) -> Tensor:
    return linear(weights, "critic.layers.3", _hidden(weights, z, genre)[1]).squeeze(-1)


def gradient_penalty(weights: Weights, real: Tensor, fake: Tensor, genre: Tensor, alpha: Tensor) -> Tensor:
    """[P] equation 6 without lambda; the gradient of the score by the chain rule, tanh' = 1 - tanh^2."""
    first, second = _hidden(weights, alpha * fake + (1 - alpha) * real, genre)
    by_second = weights["critic.layers.3.weight"] * (1 - second**2)
    by_first = by_second @ weights["critic.layers.1.weight"] * (1 - first**2)
    gradient = by_first @ weights["critic.of_code.weight"]
    return ((gradient**2).sum(dim=-1).sqrt() - 1).pow(2).mean()


def critic_loss(
    weights: Weights, real: Tensor, fake: Tensor, genre: Tensor, weight: float, alpha: Tensor
) -> tuple[Tensor, Tensor]:
    """The loss, and the Wasserstein estimate."""
    distance = scores(weights, real, genre).mean() - scores(weights, fake, genre).mean()
    return weight * gradient_penalty(weights, real, fake, genre, alpha) - distance, distance


def autoencoder_loss(
    weights: Weights, tokens: Tensor, genre: Tensor, noise: Tensor, beta: float, layers: int, unit: float
) -> tuple[Tensor, Tensor]:
    """The sum of [P] equation 3 as the autoencoder descends it, and its first part."""
    mean, log_variance = encode(weights, tokens, layers, unit)
    z = mean + torch.exp(log_variance / 2) * noise
    reconstruction = reconstruction_loss(decode(weights, z, tokens.shape[-1], layers, unit), tokens)
    return reconstruction - beta * scores(weights, z, genre).mean(), reconstruction
