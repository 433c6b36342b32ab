"""The attention network written out plainly: one window, one place and one head at a time."""

import math

import torch
from torch import Tensor

from tests.helpers.reference_layers import STATES, TRACKS, Weights, linear

HEAD = 64
STATE = 32


def layer_norm(weights: Weights, name: str, x: Tensor) -> Tensor:
    mean = x.mean()
    return (x - mean) / ((x - mean).pow(2).mean() + 1e-5).sqrt() * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def attend(weights: Weights, name: str, places: list[Tensor]) -> list[Tensor]:
    """What each place hears: for each head a mean of all places' values, by the softmax of query times key."""
    size = len(places[0])
    seen = [
        weights[f"{name}.queries_keys_values.weight"] @ layer_norm(weights, f"{name}.attention_norm", x) for x in places
    ]
    heads: list[list[Tensor]] = [[] for _ in places]
    for first in range(0, size, min(HEAD, size)):
        part = slice(first, first + HEAD)
        queries, keys, values = ([vector[at : at + size][part] for vector in seen] for at in (0, size, 2 * size))
        for place, query in enumerate(queries):
            odds = [torch.exp(unit(query) @ unit(key) / math.sqrt(len(key))) for key in keys]
            heads[place].append(sum((odd * value for odd, value in zip(odds, values, strict=True))) / sum(odds))
    return [weights[f"{name}.mix_heads.weight"] @ torch.cat(parts) for parts in heads]


def unit(x: Tensor) -> Tensor:
    """The vector with a root mean square of 1."""
    return x / x.pow(2).mean().sqrt()


def blocks(weights: Weights, side: str, places: list[Tensor], layers: int) -> list[Tensor]:
    for layer in range(layers):
        name = f"{side}.blocks.{layer}"
        places = [x + heard for x, heard in zip(places, attend(weights, name, places), strict=True)]
        for number, x in enumerate(places):
            wide = linear(weights, f"{name}.widen", layer_norm(weights, f"{name}.perceptron_norm", x))
            active = wide * (1 + torch.erf(wide / math.sqrt(2))) / 2  # GELU
            places[number] = x + linear(weights, f"{name}.narrow", active)
    return [layer_norm(weights, f"{side}.norm", x) for x in places]


def encode(weights: Weights, tokens: Tensor, layers: int) -> Tensor:
    """tokens: (batch, 4, steps) -> the vectors of the places, (batch, places, size)."""
    length = weights["encoder.join.weight"].shape[1] // (TRACKS * STATE)  # steps of a place
    windows = []
    for window in tokens.tolist():
        places = []
        for number, position in enumerate(weights["encoder.positions"]):
            rows = [
                weights["encoder.embedding.weight"][STATES * track + window[track][step]]
                for track in range(TRACKS)
                for step in range(number * length, (number + 1) * length)
            ]
            places.append(linear(weights, "encoder.join", torch.cat(rows)) + position)
        windows.append(torch.stack(blocks(weights, "encoder", places, layers)))
    return torch.stack(windows)


def decode(weights: Weights, codes: Tensor, steps: int, layers: int) -> Tensor:
    """codes: (batch, latent) -> logits, (batch, 4, steps, 130)."""
    length = len(weights["decoder.split.bias"]) // (TRACKS * STATE)
    logits = torch.zeros(len(codes), TRACKS, steps, STATES, dtype=codes.dtype)
    for window, code in enumerate(codes):
        shares = code.chunk(steps // length)
        places = [
            linear(weights, "decoder.from_code", share) + position
            for share, position in zip(shares, weights["decoder.positions"], strict=True)
        ]
        for number, x in enumerate(blocks(weights, "decoder", places, layers)):
            parts = linear(weights, "decoder.split", x).split(STATE)  # track after track, and its steps
            for track in range(TRACKS):
                for step in range(length):
                    predicted = linear(weights, f"decoder.states.{track}", parts[length * track + step])
                    logits[window, track, number * length + step] = predicted
    return logits
