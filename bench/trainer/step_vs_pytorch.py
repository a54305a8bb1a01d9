#!/usr/bin/env python3
"""The same training step of the 260K shape here and in PyTorch, side by side on this host, 2 threads each.

  apt-get install python3-torch        (only for this comparison)
  bench/trainer/step_vs_pytorch.py [build/host/bench/trainer/train_step]

32 sequences of 512 tokens: forward, backward, clipping, AdamW. PyTorch gets the straightforward model: one
matrix for q, k and v, a causal mask, softmax. Exit 1 if our step takes longer.
"""
import json
import math
import subprocess
import sys
import time

import torch
import torch.nn.functional as F

DIM, HIDDEN, LAYERS, HEADS, KV_HEADS, VOCAB, SEQ = 64, 172, 5, 8, 4, 512, 512
HEAD = DIM // HEADS
torch.set_num_threads(2)
torch.manual_seed(1)


def norm(x, weight):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * weight


def rope(x, cosine, sine):
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cosine - b * sine, a * sine + b * cosine), -1).flatten(-2)


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        matrix = lambda rows, columns: torch.nn.Parameter(torch.randn(rows, columns) * 0.02)
        self.table = matrix(VOCAB, DIM)
        self.qkv = torch.nn.ParameterList([matrix(DIM + 2 * KV_HEADS * HEAD, DIM) for _ in range(LAYERS)])
        self.wo = torch.nn.ParameterList([matrix(DIM, DIM) for _ in range(LAYERS)])
        self.w13 = torch.nn.ParameterList([matrix(2 * HIDDEN, DIM) for _ in range(LAYERS)])
        self.w2 = torch.nn.ParameterList([matrix(DIM, HIDDEN) for _ in range(LAYERS)])
        self.norms = torch.nn.ParameterList([torch.nn.Parameter(torch.ones(DIM)) for _ in range(2 * LAYERS + 1)])
        angle = torch.outer(torch.arange(SEQ), 1 / 10000 ** (torch.arange(0, HEAD, 2) / HEAD))
        self.cosine, self.sine = torch.cos(angle), torch.sin(angle)
        self.mask = torch.full((SEQ, SEQ), -math.inf).triu(1)

    def forward(self, tokens, targets):
        batch = tokens.shape[0]
        x = self.table[tokens]
        for i in range(LAYERS):
            q, k, v = F.linear(norm(x, self.norms[2 * i]), self.qkv[i]).split(
                [DIM, KV_HEADS * HEAD, KV_HEADS * HEAD], -1)
            q = rope(q.view(batch, SEQ, HEADS, HEAD).transpose(1, 2), self.cosine, self.sine)
            k = rope(k.view(batch, SEQ, KV_HEADS, HEAD).transpose(1, 2), self.cosine, self.sine)
            v = v.view(batch, SEQ, KV_HEADS, HEAD).transpose(1, 2)
            k = k.repeat_interleave(HEADS // KV_HEADS, 1)
            v = v.repeat_interleave(HEADS // KV_HEADS, 1)
            weights = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(HEAD) + self.mask, -1)
            x = x + F.linear((weights @ v).transpose(1, 2).reshape(batch, SEQ, DIM), self.wo[i])
            gate, up = F.linear(norm(x, self.norms[2 * i + 1]), self.w13[i]).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * up, self.w2[i])
        logits = F.linear(norm(x, self.norms[-1]), self.table)
        return F.cross_entropy(logits.view(-1, VOCAB), targets.view(-1))


def pytorch_step_seconds() -> float:
    model = Model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)
    tokens = torch.randint(0, VOCAB, (32, SEQ))
    best = math.inf
    for _ in range(4):
        begin = time.monotonic()
        optimizer.zero_grad()
        model(tokens, tokens.roll(-1, 1)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        best = min(best, time.monotonic() - begin)
    return best


def main() -> int:
    command = sys.argv[1] if len(sys.argv) > 1 else "build/host/bench/trainer/train_step"
    ours = json.loads(subprocess.run([command, "2"], capture_output=True, text=True, check=True).stdout)
    ours["pytorch_version"] = torch.__version__
    ours["pytorch_step_seconds"] = round(pytorch_step_seconds(), 3)
    ours["ratio"] = round(ours["pytorch_step_seconds"] / ours["step_260k_16384_tokens_seconds"], 2)
    print(json.dumps(ours, indent=1))
    return 0 if ours["ratio"] >= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
