#!/usr/bin/env python3
"""Continues a text greedily with a model image and prints the token ids: an independent reader, written from SPEC.md alone.

    scripts/read_image.py MODEL.plm [STEPS] [PROMPT_TOKEN...]
    scripts/read_image.py MODEL.plm --gaps TOKEN...    prints, for each token, the largest logit minus the token's
    scripts/read_image.py MODEL.plm --metadata         prints name, template, licence, authors and temperature as JSON
    scripts/read_image.py MODEL.plm --guesses TOKEN... prints, after each token, what the image's drafts guess next, or -1
    scripts/read_image.py MODEL.plm --vocabulary       prints how many tokens it says, and how many it reads

Standard library only and independent of this project's code, so an omission in SPEC.md would show here. The computation
itself is llama2.c's (llama_forward.py), in binary64: this checks the format and the greedy choices, not the last bits.
"""
import json
import struct
import sys
import zlib

from llama_forward import BOS, Layer, Llama, Weights, decode

MAGIC = 0x314D4C50
PROFILES = {0: "f32", 1: "q8", 2: "q4"}
PLAIN_F32, ROWS_F32, ROWS_Q8, ROWS_Q4 = 0, 1, 2, 5
(ROPE, RMS_ATT, WQ, WK, WV, WO, RMS_FFN, W1, W3, W2, RMS_FINAL, EMBEDDING, WCLS) = range(13)


def floats(data, offset, count):
    return struct.unpack_from(f"<{count}f", data, offset)


def read_plain_f32(data, offset, rows, columns):
    values = floats(data, offset, rows * columns)
    return [values[r * columns:(r + 1) * columns] for r in range(rows)]


def read_rows_f32(data, offset, rows, columns):
    """Blocks of 8 rows; a block contains, for each column, the values of its 8 rows."""
    blocks = (rows + 7) // 8
    values = floats(data, offset, blocks * 8 * columns)
    return [values[r // 8 * 8 * columns + r % 8:(r // 8 + 1) * 8 * columns:8] for r in range(rows)]


def read_rows_q8(data, offset, rows, columns):
    """Blocks of 8 scales and 8 rows; a 32-bit word holds two rows of two columns."""
    padded = (columns + 3) // 4 * 4
    block_bytes = 32 + 8 * padded
    matrix = []
    for first in range(0, rows, 8):
        block = offset + first // 8 * block_bytes
        scales = floats(data, block, 8)
        halves = struct.unpack_from(f"<{4 * padded}h", data, block + 32)  # pair of columns, pair of rows, column
        for r in range(min(8, rows - first)):
            row = []
            for column in range(columns):
                half = halves[column // 2 * 8 + r // 2 * 2 + column % 2]
                even = (half & 0xFF) - (256 if half & 0x80 else 0)
                row.append(scales[r] * (even if r % 2 == 0 else (half - even) // 256))
            matrix.append(row)
    return matrix


def read_rows_q4(data, offset, rows, columns):
    """Blocks of one scale and 8 rows; groups of 32 columns, each with one code per row; a 32-bit word holds four rows
    of two columns."""
    groups = (columns + 31) // 32
    block_bytes = 4 + 136 * groups
    matrix = []
    for r in range(rows):
        block = offset + r // 8 * block_bytes
        (scale,) = floats(data, block, 1)
        row = []
        for column in range(columns):
            group = block + 4 + column // 32 * 136
            (word,) = struct.unpack_from("<I", data, group + column % 32 // 2 * 8 + r % 8 // 4 * 4)
            (code,) = struct.unpack_from("<b", data, group + 128 + r % 8)
            half = (column + (r % 4 == 3)) % 2
            row.append(scale * (code * ((word >> (16 * half + 4 * (r % 4 ^ 2)) & 15) - 8)))
        matrix.append(row)
    return matrix


READERS = {PLAIN_F32: read_plain_f32, ROWS_F32: read_rows_f32, ROWS_Q8: read_rows_q8, ROWS_Q4: read_rows_q4}


class Drafts:
    def __init__(self, data, at, end_of_tensors, vocab_size):
        self.buckets, self.longest, *reserved = struct.unpack_from("<4I", data, at)
        if at % 64 or at < end_of_tensors or not 1 <= self.longest <= 8 or any(reserved) or self.buckets < 1:
            sys.exit("read_image: the drafts' header breaks a rule")
        self.entries = struct.unpack_from(f"<{4 * self.buckets}I", data, at + 16)
        self.token_bits = max(1, (vocab_size - 1).bit_length())
        for i, entry in enumerate(self.entries):
            token, confidence = entry % 2**self.token_bits, entry >> self.token_bits & 15
            if entry and (token >= vocab_size or confidence == 0 or (i % 4 and not self.entries[i - 1])):
                sys.exit(f"read_image: draft {i} breaks a rule")

    def guess(self, tokens):
        hashed, guess = 0, -1
        for token in tokens[:-self.longest - 1:-1]:
            hashed = (hashed + token + 1) * 0x9E3779B1 % 2**32
            hashed ^= hashed >> 15
            first = 4 * (hashed * self.buckets >> 32)
            check = hashed * 0x85EBCA6B % 2**32 >> self.token_bits + 4
            found = [e for e in self.entries[first:first + 4] if e and e >> self.token_bits + 4 == check]
            guess = found[0] % 2**self.token_bits if found else guess
        return guess


def read_metadata(data, table):
    """What the maker says about the model."""
    at, *reserved = struct.unpack_from("<4I", data, 144)
    if any(reserved):
        sys.exit("read_image: a reserved field of the header is not 0")
    if at == 0:
        return {}
    if at % 64 or at < table or at + 24 > len(data):
        sys.exit("read_image: the metadata is misplaced")
    temperature, *lengths, reserved = struct.unpack_from("<f5I", data, at)
    if reserved or not (temperature == -1 or 0 <= temperature <= 10):
        sys.exit("read_image: the metadata's header breaks a rule")
    at += 24
    said = {}
    for name, length, most in zip(("name", "template", "licence", "authors"), lengths, (40, 256, 120, 120)):
        if length > most or at + length > len(data):
            sys.exit(f"read_image: the metadata's {name} is too long")
        text = data[at:at + length].decode()
        at += length
        allowed = "\n\t" if name == "template" else ""
        if any((c < " " and c not in allowed) or c == "\x7f" for c in text):
            sys.exit(f"read_image: the metadata's {name} has control characters")
        if text:
            said[name] = text
    if "template" in said and said["template"].count("{prompt}") != 1:
        sys.exit("read_image: the template needs {prompt}, once")
    if temperature >= 0:
        said["temperature"] = temperature
    return said


class Image:
    def __init__(self, data):
        (magic, version, file_bytes, crc, profile) = struct.unpack_from("<5I", data, 0)
        if magic != MAGIC or version != 1:
            sys.exit("read_image: not a model image of version 1")
        if file_bytes != len(data):
            sys.exit(f"read_image: {len(data)} bytes, and the header says {file_bytes}")
        if zlib.crc32(data[16:]) != crc:
            sys.exit("read_image: the CRC does not agree")
        self.profile = PROFILES[profile]
        (self.dim, self.hidden_dim, self.n_layers, self.n_heads, self.n_kv_heads, self.vocab_size,
         self.seq_len) = struct.unpack_from("<7i", data, 20)
        shared, count, table, tokenizer, _ = struct.unpack_from("<5I", data, 48)
        _, self.rms_eps, drafts = struct.unpack_from("<2fI", data, 68)
        self.metadata = read_metadata(data, table)
        self.tensors = {}
        for i in range(count):
            kind, layer, rows, columns, encoding, offset = struct.unpack_from("<6I", data, table + 32 * i)
            self.tensors[kind, layer] = READERS[encoding](data, offset, rows, columns)
            if kind in (EMBEDDING, WCLS) and (rows > self.vocab_size or (kind == EMBEDDING and rows < self.vocab_size)):
                sys.exit(f"read_image: tensor {i} has {rows} rows, and the vocabulary {self.vocab_size} tokens")
            end = offset + struct.unpack_from("<I", data, table + 32 * i + 24)[0]
        if shared:
            self.tensors[WCLS, 0] = self.tensors[EMBEDDING, 0]
        self.pieces = self.read_pieces(data, tokenizer)
        self.drafts = Drafts(data, drafts, end, self.vocab_size) if drafts else None

    def read_pieces(self, data, at):
        vocab_size, _, _, pieces, _, text, text_bytes, _ = struct.unpack_from("<8I", data, at)
        starts = struct.unpack_from(f"<{vocab_size + 1}I", data, at + pieces)
        assert starts[-1] == text_bytes
        return [data[at + text + a:at + text + b] for a, b in zip(starts, starts[1:])]

    def model(self):
        def norm(kind, layer=0):
            return self.tensors[kind, layer][0]

        def layer(i):
            matrices = {name: self.tensors[kind, i]
                        for name, kind in dict(wq=WQ, wk=WK, wv=WV, wo=WO, w1=W1, w2=W2, w3=W3).items()}
            return Layer(rms_att=norm(RMS_ATT, i), rms_ffn=norm(RMS_FFN, i), **matrices)

        weights = Weights(self.n_heads, self.n_kv_heads, self.tensors[EMBEDDING, 0],
                          [layer(i) for i in range(self.n_layers)], norm(RMS_FINAL), self.tensors[WCLS, 0])
        return Llama(weights, self.tensors[ROPE, 0].__getitem__, self.rms_eps)


def print_gaps(image, tokens):
    model = image.model()
    for pos, (token, following) in enumerate(zip([BOS] + tokens, tokens)):
        logits = model.forward(token, pos)
        print(max(logits) - logits[following])


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__.strip())
    with open(sys.argv[1], "rb") as file:
        image = Image(file.read())
    if sys.argv[2:3] == ["--metadata"]:
        return print(json.dumps(image.metadata))
    if sys.argv[2:3] == ["--guesses"]:
        if not image.drafts:
            sys.exit("read_image: the image has no drafts")
        tokens = [int(t) for t in sys.argv[3:]]
        return print(*(image.drafts.guess(tokens[:n + 1]) for n in range(len(tokens))))
    if sys.argv[2:3] == ["--vocabulary"]:
        return print(len(image.tensors[WCLS, 0]), "of", image.vocab_size)
    if sys.argv[2:3] == ["--gaps"]:
        return print_gaps(image, [int(t) for t in sys.argv[3:]])
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 32
    tokens = [BOS] + [int(t) for t in sys.argv[3:]]
    prompt_count = len(tokens)
    model, text = image.model(), b""
    for pos in range(min(steps, image.seq_len)):
        logits = model.forward(tokens[pos], pos)
        if pos + 1 >= prompt_count:
            tokens.append(max(range(len(logits)), key=logits.__getitem__))
        if tokens[pos + 1] == BOS:
            break
        text += decode(image.pieces, tokens[pos], tokens[pos + 1])
    print(*tokens[1:])
    sys.stderr.write(text.decode(errors="replace") + "\n")


main()
