"""Llama 2's forward pass in binary64, as llama2.c publishes it, for read_image.py and write_goldens.py.

Standard library only and independent of this project's code, so its results can be compared with that code's. The two
scripts supply the weights, from SPEC.md's image or from llama2.c's checkpoint.
"""
import math
import operator
from typing import NamedTuple

BOS = 1


class Layer(NamedTuple):
    """A norm is a list of dim numbers, a matrix a list of rows."""
    rms_att: list
    wq: list
    wk: list
    wv: list
    wo: list
    rms_ffn: list
    w1: list
    w2: list
    w3: list


class Weights(NamedTuple):
    n_heads: int
    n_kv_heads: int
    embedding: list
    layers: list
    rms_final: list
    classifier: list


def matmul(matrix, x):
    return [sum(map(operator.mul, row, x)) for row in matrix]


class Llama:
    def __init__(self, weights, rope_row, rms_eps=1e-5):
        """rope_row(pos): cos and sin of each pair's angle at pos, alternating."""
        self.weights, self.rope_row, self.rms_eps = weights, rope_row, rms_eps
        self.head_size = len(weights.rms_final) // weights.n_heads

    def rmsnorm(self, x, weight):
        scale = 1 / math.sqrt(sum(v * v for v in x) / len(x) + self.rms_eps)
        return [w * (scale * v) for v, w in zip(x, weight)]

    def rotate(self, x, pos):
        row, out = self.rope_row(pos), []
        for i in range(0, len(x), 2):
            cos, sin = row[i % self.head_size], row[i % self.head_size + 1]
            out += [x[i] * cos - x[i + 1] * sin, x[i] * sin + x[i + 1] * cos]
        return out

    def attention(self, x, layer, keys, values, pos):
        query = self.rotate(matmul(layer.wq, x), pos)
        keys.append(self.rotate(matmul(layer.wk, x), pos))
        values.append(matmul(layer.wv, x))
        size, out = self.head_size, []
        for head in range(self.weights.n_heads):
            own = query[head * size:(head + 1) * size]
            start = head // (self.weights.n_heads // self.weights.n_kv_heads) * size
            shared = slice(start, start + size)
            scores = [sum(map(operator.mul, own, key[shared])) / math.sqrt(size) for key in keys]
            largest = max(scores)
            chances = [math.exp(score - largest) for score in scores]
            total = sum(chances)
            columns = zip(*(value[shared] for value in values))
            out += [sum(map(operator.mul, chances, column)) / total for column in columns]
        return matmul(layer.wo, out)

    def forward(self, token, pos):
        """The logits after `token` at `pos`. Positions must be in order; 0 begins a new text."""
        if pos == 0:
            self.cache = [([], []) for _ in self.weights.layers]
        x = list(self.weights.embedding[token])
        for layer, (keys, values) in zip(self.weights.layers, self.cache):
            normed = self.rmsnorm(x, layer.rms_att)
            x = list(map(operator.add, x, self.attention(normed, layer, keys, values, pos)))
            normed = self.rmsnorm(x, layer.rms_ffn)
            gate, up = matmul(layer.w1, normed), matmul(layer.w3, normed)
            hidden = [g / (1 + math.exp(-g)) * u for g, u in zip(gate, up)]
            x = list(map(operator.add, x, matmul(layer.w2, hidden)))
        return matmul(self.weights.classifier, self.rmsnorm(x, self.weights.rms_final))


def decode(pieces, before, token):
    """The bytes of a token. The first token after BOS loses one leading space; <0xHH> is a byte."""
    piece = pieces[token]
    if before == BOS and piece.startswith(b" "):
        piece = piece[1:]
    if len(piece) == 6 and piece.startswith(b"<0x") and piece.endswith(b">"):
        return bytes([int(piece[3:5], 16)])
    return piece
