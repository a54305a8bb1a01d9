#!/usr/bin/env python3
"""Writes goldens for the model that ships, from its llama2.c checkpoint, independently of this project's code.

    scripts/write_goldens.py CHECKPOINT TOKENIZER FOLDER          writes FOLDER/NAME.greedy.jsonl and NAME.sampled.jsonl
    scripts/write_goldens.py CHECKPOINT TOKENIZER --check FILE... [--tokens N]    the first N tokens of each line, again

Standard library only. It follows llama2.c's published behaviour (legacy checkpoint, tokenizer.bin, merging by best
score, xorshift random numbers, top-p) in binary64. A choice so close that rounding decides it would be unfit for a golden; no
story below has one. One JSON object per line, with the keys of llama2.c's goldens: prompt, temperature, topp, seed, steps,
prompt_tokens, tokens (all after the first, including the prompt's; 1 = BOS ends the story), text.
"""
import argparse
import json
import math
import pathlib
import struct
import sys

from llama_forward import BOS, Layer, Llama, Weights, decode


class Tokenizer:
    def __init__(self, path, vocab_size):
        data = pathlib.Path(path).read_bytes()
        at, self.pieces, self.scores = 4, [], []
        for _ in range(vocab_size):
            score, length = struct.unpack_from("<fi", data, at)
            self.pieces.append(data[at + 8:at + 8 + length])
            self.scores.append(score)
            at += 8 + length
        self.ids = {}
        for token, piece in enumerate(self.pieces):
            self.ids.setdefault(piece, token)

    def encode(self, text):
        tokens = [BOS]
        if text:
            tokens.append(self.ids[b" "])
        for character in text:
            raw = character.encode()
            tokens += [self.ids[raw]] if raw in self.ids else [byte + 3 for byte in raw]
        while True:
            best = None
            for i in range(len(tokens) - 1):
                merged = self.ids.get(self.pieces[tokens[i]] + self.pieces[tokens[i + 1]])
                if merged is not None and (best is None or self.scores[merged] > best[0]):
                    best = (self.scores[merged], i, merged)
            if best is None:
                return tokens
            tokens[best[1]:best[1] + 2] = [best[2]]


class Checkpoint:
    """A legacy checkpoint: the layers of each kind of tensor are contiguous."""
    def __init__(self, path):
        data = pathlib.Path(path).read_bytes()
        dim, hidden, layers, heads, kv_heads, vocab, self.context = struct.unpack_from("<7i", data)
        self.vocab, self.head_size = abs(vocab), dim // heads
        kv = self.head_size * kv_heads
        at = 28

        def take(rows, columns):
            nonlocal at
            matrix = [struct.unpack_from(f"<{columns}f", data, at + 4 * columns * row) for row in range(rows)]
            at += 4 * rows * columns
            return matrix

        def per_layer(rows, columns):
            return [take(rows, columns) for _ in range(layers)]

        embedding = take(self.vocab, dim)
        rms_att = take(layers, dim)
        wq, wk, wv = per_layer(dim, dim), per_layer(kv, dim), per_layer(kv, dim)
        wo = per_layer(dim, dim)
        rms_ffn = take(layers, dim)
        w1, w2 = per_layer(hidden, dim), per_layer(dim, hidden)
        w3 = per_layer(hidden, dim)
        rms_final = take(1, dim)[0]
        at += 4 * self.context * self.head_size  # two tables of RoPE that llama2.c no longer reads
        classifier = embedding if vocab > 0 else take(self.vocab, dim)
        self.weights = Weights(heads, kv_heads, embedding,
                               [Layer(*one) for one in zip(rms_att, wq, wk, wv, wo, rms_ffn, w1, w2, w3)], rms_final, classifier)

    def model(self):
        def rope_row(pos):
            angles = [pos / 10000 ** (i / self.head_size) for i in range(0, self.head_size, 2)]
            return [turn(angle) for angle in angles for turn in (math.cos, math.sin)]
        return Llama(self.weights, rope_row)


class Sampler:
    def __init__(self, temperature, topp, seed):
        self.temperature, self.topp, self.state = temperature, topp, seed

    def coin(self):
        state = self.state
        state ^= state >> 12
        state ^= state << 25 & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 27
        self.state = state
        return ((state * 0x2545F4914F6CDD1D & 0xFFFFFFFFFFFFFFFF) >> 32 >> 8) / 16777216

    def pick(self, logits):
        if self.temperature == 0:
            return max(range(len(logits)), key=logits.__getitem__)
        highest = max(logits)
        weights = [math.exp((value - highest) / self.temperature) for value in logits]
        total = sum(weights)
        chances = [weight / total for weight in weights]
        coin = self.coin()
        if not 0 < self.topp < 1:
            candidates, share = list(range(len(chances))), 1.0
        else:
            least = (1 - self.topp) / (len(chances) - 1)
            candidates = sorted((i for i, p in enumerate(chances) if p >= least), key=lambda i: -chances[i])
            share = 0.0
            for count, candidate in enumerate(candidates):
                share += chances[candidate]
                if share > self.topp:
                    candidates = candidates[:count + 1]
                    break
        bound, reached = coin * share, 0.0
        for candidate in candidates:
            reached += chances[candidate]
            if bound < reached:
                return candidate
        return candidates[-1]


def tell(checkpoint, tokenizer, line, limit=None):
    """The line with prompt_tokens, tokens and text filled in."""
    model = checkpoint.model()
    sampler = Sampler(line["temperature"], line["topp"], line["seed"])
    prompt = tokenizer.encode(line["prompt"])
    tokens, text, token = [], b"", prompt[0]
    for pos in range(min(line["steps"], checkpoint.context)):
        if limit is not None and pos >= limit:
            break
        logits = model.forward(token, pos)
        following = prompt[pos + 1] if pos + 1 < len(prompt) else sampler.pick(logits)
        tokens.append(following)
        if following == BOS:
            break
        text += decode(tokenizer.pieces, token, following)
        token = following
    return {**line, "prompt_tokens": prompt, "tokens": tokens, "text": text.decode(errors="replace")}


GREEDY = [("", 256), ("Once upon a time", 256), ("There was a fox who", 128), ("Lily wanted a red", 128), ("Zoë: «nä» 🐸", 48)]
SAMPLED = [("", 1.0, 0.9, 42, 256), ("", 0.8, 0.9, 7, 256), ("One day, Tom", 1.0, 1.0, 1234, 128), ("Her name was", 0.5, 0.5, 99, 128)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("tokenizer")
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--check", nargs="+")
    parser.add_argument("--tokens", type=int)
    options = parser.parse_args()
    checkpoint = Checkpoint(options.checkpoint)
    tokenizer = Tokenizer(options.tokenizer, checkpoint.vocab)
    if options.check:
        lines = [json.loads(line) for path in options.check for line in pathlib.Path(path).read_text().splitlines()]
        wrong = 0
        for line in lines:
            again = tell(checkpoint, tokenizer, line, options.tokens)["tokens"]
            if again != line["tokens"][:len(again)] or not again:
                print(f"write_goldens: {line['prompt']!r}: {again} is not how {line['tokens']} begins", file=sys.stderr)
                wrong += 1
        print(f"{len(lines) - wrong} of {len(lines)} lines agree")
        return 1 if wrong or not lines else 0
    if not options.folder:
        parser.error("give a folder to write to, or --check")
    name = pathlib.Path(options.checkpoint).stem
    greedy = [dict(prompt=p, temperature=0.0, topp=0.9, seed=1, steps=n) for p, n in GREEDY]
    sampled = [dict(prompt=p, temperature=t, topp=top, seed=s, steps=n) for p, t, top, s, n in SAMPLED]
    for kind, lines in (("greedy", greedy), ("sampled", sampled)):
        text = "".join(json.dumps(tell(checkpoint, tokenizer, line), ensure_ascii=False) + "\n" for line in lines)
        pathlib.Path(options.folder, f"{name}.{kind}.jsonl").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
