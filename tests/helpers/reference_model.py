"""MusAE written out plainly: one-hot products, loops over steps and directions, the critic's gradient by hand, Adam.

The recurrent network is here, that of attention in `reference_attention`; the weights' names say which one it is.
tests/model/test_reference_model.py compares both with the real ones.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from tests.helpers import reference_attention
from tests.helpers.reference_layers import STATES, TRACKS, Weights, linear


def lstm(weights: Weights, name: str, suffix: str, inputs: list[Tensor], hidden: Tensor) -> list[Tensor]:
    """One layer in one direction: its output at each step, for inputs already multiplied by `weight_ih`."""
    outputs = []
    cell = torch.zeros_like(hidden)
    for driven in inputs:
        recurrent = hidden @ weights[f"{name}.weight_hh_{suffix}"].T
        gates = driven + weights[f"{name}.bias_ih_{suffix}"] + recurrent + weights[f"{name}.bias_hh_{suffix}"]
        enter, keep, candidate, leave = gates.chunk(4, dim=-1)
        cell = torch.sigmoid(keep) * cell + torch.sigmoid(enter) * torch.tanh(candidate)
        hidden = torch.sigmoid(leave) * torch.tanh(cell)
        outputs.append(hidden)
    return outputs


def scale(prior: str, latent: int) -> float:
    """Root mean square of the prior's coordinates; of the flower, [P] equations 14-18."""
    return 1.0 if prior == "gaussian" else math.sqrt((1 + 0.1 + 0.001 * (latent - 1)) / latent)


def variances(prior: str, latent: int) -> Tensor:
    """The variance of each of the prior's coordinates; a flower is round, and is as wide each way."""
    return torch.ones(latent) if prior == "gaussian" else torch.tensor([(1.1 + 0.001) / 2] * 2 + [0.001] * (latent - 2))


def encode(weights: Weights, tokens: Tensor, layers: int, prior: str, floor: float) -> tuple[Tensor, Tensor]:
    """tokens: (batch, 4, steps), floor: the least deviation -> mean and log variance, (batch, latent) each."""
    network = reference_attention.encode if "encoder.positions" in weights else recurrent_encoder
    last = network(weights, tokens, layers)  # attention: a vector for each place
    mean, log_variance = (
        linear(weights, f"encoder.posterior.{name}", last).flatten(1) for name in ("mean", "log_variance")
    )
    unit = scale(prior, mean.shape[1])
    variance = unit**2 * log_variance.exp() + floor**2 * variances(prior, mean.shape[1])
    return unit * mean, variance.log()


def decode(weights: Weights, z: Tensor, steps: int, layers: int, prior: str) -> Tensor:
    """z: (batch, latent) -> logits, (batch, 4, steps, 130)."""
    network = reference_attention.decode if "encoder.positions" in weights else recurrent_decoders
    return network(weights, z / scale(prior, z.shape[1]), steps, layers)


def recurrent_encoder(weights: Weights, tokens: Tensor, layers: int) -> Tensor:
    """tokens: (batch, 4, steps) -> the last states of both directions, (batch, 2 * hidden_size)."""
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
        for suffix, order in ((f"l{layer}", 1), (f"l{layer}_reverse", -1)):
            driven = [x @ weights[f"encoder.lstm.weight_ih_{suffix}"].T for x in xs[::order]]
            start = torch.zeros_like(driven[0][:, : driven[0].shape[1] // 4])
            sides.append(lstm(weights, "encoder.lstm", suffix, driven, start)[::order])
        xs = [torch.cat(both, dim=-1) for both in zip(*sides, strict=True)]
    return torch.cat([sides[0][-1], sides[1][0]], dim=-1)


def recurrent_decoders(weights: Weights, codes: Tensor, steps: int, layers: int) -> Tensor:
    """codes: (batch, latent) -> logits, (batch, 4, steps, 130)."""
    tracks = []
    for track in range(TRACKS):
        name = f"decoder.tracks.{track}"
        hidden = linear(weights, f"{name}.first_state", codes)
        driven = [codes @ weights[f"{name}.lstm.weight_ih_l0"].T] * steps
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


def moments_kl(mean: Tensor, log_variance: Tensor, prior: str) -> Tensor:
    """KL(N(m, v) || N(0, prior's variance)), summed over dimensions, where m and v are those of the batch's codes."""
    total = torch.zeros(())
    for own_mean, own_variance, variance in zip(
        mean.T, log_variance.T.exp(), variances(prior, mean.shape[1]), strict=True
    ):
        m = own_mean.mean()
        v = (own_mean - m).pow(2).mean() + own_variance.mean()
        total = total + torch.log((variance / v).sqrt()) + (v + m**2) / (2 * variance) - 0.5
    return total


@dataclass(frozen=True)
class Kind:
    """What the weights do not say of a model and its loss."""

    prior: str
    layers: int
    floor: float
    moments_weight: float


def autoencoder_loss(
    weights: Weights, tokens: Tensor, genre: Tensor, noise: Tensor, beta: float, kind: Kind
) -> tuple[Tensor, Tensor]:
    """The sum of [P] equation 3 as the autoencoder descends it, with the pull of the moments, and its first part."""
    mean, log_variance = encode(weights, tokens, kind.layers, kind.prior, kind.floor)
    z = mean + torch.exp(log_variance / 2) * noise
    steps = tokens.shape[-1]
    reconstruction = reconstruction_loss(decode(weights, z, steps, kind.layers, kind.prior), tokens)
    moments = kind.moments_weight * moments_kl(mean, log_variance, kind.prior) / steps
    return reconstruction - beta * scores(weights, z, genre).mean() + moments, reconstruction


def reconstruction(weights: Weights, tokens: Tensor, noise: Tensor, chosen: list[int], kind: Kind) -> Tensor:
    """The loss of decoding some windows of a batch from their codes."""
    mean, log_variance = encode(weights, tokens[chosen], kind.layers, kind.prior, kind.floor)
    z = mean + torch.exp(log_variance / 2) * noise[chosen]
    return reconstruction_loss(decode(weights, z, tokens.shape[-1], kind.layers, kind.prior), tokens[chosen])


def denoising(weights: Weights, tokens: Tensor, noise: Tensor, start: Tensor, times: list[float], kind: Kind) -> Tensor:
    """The loss of decoding windows from points between samples of the prior, whose mean is 0, and their codes."""
    mean, log_variance = encode(weights, tokens, kind.layers, kind.prior, kind.floor)
    points = []
    for own_mean, own_log_variance, own_noise, sample, t in zip(mean, log_variance, noise, start, times, strict=True):
        code = own_mean + torch.exp(own_log_variance / 2) * own_noise
        points.append(((1 - t) * sample + t * code) / ((1 - t) ** 2 + t**2) ** 0.5)
    logits = decode(weights, torch.stack(points), tokens.shape[-1], kind.layers, kind.prior)
    return reconstruction_loss(logits, tokens)


class Adam:
    """Adam with bias correction (Kingma and Ba, 2015, algorithm 1), for weights that are known by name."""

    def __init__(self, names: list[str], betas: tuple[float, float]) -> None:
        self.names, self.betas, self.updates = names, betas, 0
        self.first: dict[str, Tensor | float] = dict.fromkeys(names, 0.0)
        self.second: dict[str, Tensor | float] = dict.fromkeys(names, 0.0)

    def step(self, weights: dict[str, Tensor], loss: Tensor, rate: float) -> None:
        """Descends the loss; `weights` then has new tensors."""
        gradients = torch.autograd.grad(loss, [weights[name] for name in self.names], allow_unused=True)
        self.updates += 1
        first_beta, second_beta = self.betas
        for name, gradient in zip(self.names, gradients, strict=True):
            if gradient is None:
                continue
            self.first[name] = first_beta * self.first[name] + (1 - first_beta) * gradient
            self.second[name] = second_beta * self.second[name] + (1 - second_beta) * gradient**2
            mean = self.first[name] / (1 - first_beta**self.updates)
            size = (self.second[name] / (1 - second_beta**self.updates)) ** 0.5 + 1e-8
            weights[name] = (weights[name] - rate * mean / size).detach().requires_grad_()


def sample_genre(tagged: Tensor, generator: torch.Generator) -> Tensor:
    """The tag with the largest random number, or the class after the last for windows without any, (batch,)."""
    chances = torch.rand(tagged.shape, generator=generator).tolist()
    drawn = []
    for tags, numbers in zip(tagged.tolist(), chances, strict=True):
        candidates = [(number, genre) for genre, (tag, number) in enumerate(zip(tags, numbers, strict=True)) if tag]
        drawn.append(max(candidates)[1] if candidates else len(tags))
    return torch.tensor(drawn)


def real_codes(prior: str, genre: Tensor, genres: int, latent: int, generator: torch.Generator) -> Tensor:
    """Codes of each genre's Gaussian, or of any for the class after the last; [P] equations 14-18, (batch, latent)."""
    if prior == "gaussian":
        return torch.randn(len(genre), latent, generator=generator)
    any_genre = torch.randint(genres, genre.shape, generator=generator)
    noise = torch.randn(len(genre), latent, generator=generator)
    codes = []
    for own, other, normal in zip(genre.tolist(), any_genre.tolist(), noise, strict=True):
        angle = 2 * math.pi * (own if own < genres else other) / genres
        direction = torch.tensor([math.cos(angle), math.sin(angle)])
        across = torch.tensor([-math.sin(angle), math.cos(angle)])
        along = (1 + math.sqrt(0.1) * normal[0]) * direction + math.sqrt(0.001) * normal[1] * across
        codes.append(torch.cat([along, math.sqrt(0.001) * normal[2:]]))
    return torch.stack(codes)


class WholeUpdate:
    """Updates of critic and autoencoder from first to last: noise, real codes, losses, gradients, Adam."""

    def __init__(
        self, weights: dict[str, Tensor], kind: Kind, latent: int, critic_updates: int, penalty: float
    ) -> None:
        self.weights = {name: weight.clone().requires_grad_() for name, weight in weights.items()}
        self.kind, self.latent, self.critic_updates, self.penalty = kind, latent, critic_updates, penalty
        names = [name for name in weights if name.startswith(("encoder.", "decoder."))]
        self.autoencoder = Adam(names, (0.9, 0.999))
        self.critic = Adam([name for name in weights if name.startswith("critic.")], (0.5, 0.9))

    def make(self, tokens: Tensor, tagged: Tensor, generator: torch.Generator, beta: float, rate: float) -> None:
        """Makes an update; tagged: (batch, genres) bool. Random numbers are generated in the model's order."""
        genres = tagged.shape[1]
        noise = torch.randn(len(tokens), self.latent, generator=generator)
        genre = sample_genre(tagged, generator)
        encoded = encode(self.weights, tokens, self.kind.layers, self.kind.prior, self.kind.floor)
        mean, log_variance = (x.detach() for x in encoded)
        for _ in range(self.critic_updates):
            real = real_codes(self.kind.prior, genre, genres, self.latent, generator)
            fake = mean + torch.exp(log_variance / 2) * torch.randn(mean.shape, generator=generator)
            alpha = torch.rand(len(tokens), 1, generator=generator)
            loss, _ = critic_loss(self.weights, real, fake, genre, self.penalty, alpha)
            self.critic.step(self.weights, loss, rate)
        loss, _ = autoencoder_loss(self.weights, tokens, genre, noise, beta, self.kind)
        self.autoencoder.step(self.weights, loss, rate)
