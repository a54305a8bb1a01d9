#!/usr/bin/env python3
"""Reads a model image from SPEC.md alone and continues a text greedily; prints the token ids.

    scripts/read_image.py MODEL.plm [STEPS] [PROMPT_TOKEN...]
    scripts/read_image.py MODEL.plm --gaps TOKEN...    prints by how much each token is less likely than the likeliest,
                                                       as a difference of logits

Standard library only, and none of this project's code: what SPEC.md leaves out would be missing here.
It computes in binary64, so it is a check of the format and of the greedy choices, not of the last bits.
"""
import math
import struct
import sys
import zlib

MAGIC = 0x314D4C50
PROFILES = {0: "f32", 1: "q8", 2: "q4"}
PLAIN_F32, ROWS_F32, ROWS_Q8, ROWS_Q4 = 0, 1, 2, 3
(ROPE, RMS_ATT, WQ, WK, WV, WO, RMS_FFN, W1, W3, W2, RMS_FINAL, EMBEDDING, WCLS) = range(13)


def floats(data, offset, count):
    return struct.unpack_from(f"<{count}f", data, offset)


def read_plain_f32(data, offset, rows, columns):
    values = floats(data, offset, rows * columns)
    return [values[r * columns:(r + 1) * columns] for r in range(rows)]


def read_rows_f32(data, offset, rows, columns):
    """Blocks of 8 rows; a block holds, for each column, its 8 rows' values."""
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
    """Blocks of one scale and 8 rows; groups of 32 columns, each with a code a row; a 32-bit word holds four rows
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
            nibble = word >> (16 * (column % 2) + 4 * (r % 4)) & 15
            row.append(scale * (code * (nibble - 16 if nibble > 7 else nibble)))
        matrix.append(row)
    return matrix


READERS = {PLAIN_F32: read_plain_f32, ROWS_F32: read_rows_f32, ROWS_Q8: read_rows_q8, ROWS_Q4: read_rows_q4}


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
        _, self.rms_eps = struct.unpack_from("<2f", data, 68)
        self.head_size = self.dim // self.n_heads
        self.tensors = {}
        for i in range(count):
            kind, layer, rows, columns, encoding, offset = struct.unpack_from("<6I", data, table + 32 * i)
            self.tensors[kind, layer] = READERS[encoding](data, offset, rows, columns)
        if shared:
            self.tensors[WCLS, 0] = self.tensors[EMBEDDING, 0]
        self.pieces = self.read_pieces(data, tokenizer)

    def read_pieces(self, data, at):
        vocab_size, _, _, pieces, _, text, text_bytes, _ = struct.unpack_from("<8I", data, at)
        starts = struct.unpack_from(f"<{vocab_size + 1}I", data, at + pieces)
        assert starts[-1] == text_bytes
        return [data[at + text + a:at + text + b] for a, b in zip(starts, starts[1:])]

    def decode(self, previous, token):
        piece = self.pieces[token]
        if len(piece) == 6 and piece.startswith(b"<0x"):
            piece = bytes([int(piece[3:5], 16)])
        return piece[1:] if previous == 1 and piece.startswith(b" ") else piece


def matmul(matrix, x):
    return [sum(map(float.__mul__, row, x)) for row in matrix]


class Model:
    def __init__(self, image):
        self.image = image
        self.keys = [[] for _ in range(image.n_layers)]
        self.values = [[] for _ in range(image.n_layers)]

    def rmsnorm(self, x, kind, layer=0):
        scale = 1 / math.sqrt(sum(v * v for v in x) / len(x) + self.image.rms_eps)
        return [w * (scale * v) for w, v in zip(self.image.tensors[kind, layer][0], x)]

    def rotate(self, x, pos):
        row = self.image.tensors[ROPE, 0][pos]
        out = []
        for i in range(0, len(x), 2):
            cos, sin = row[i % self.image.head_size], row[i % self.image.head_size + 1]
            out += [x[i] * cos - x[i + 1] * sin, x[i] * sin + x[i + 1] * cos]
        return out

    def attention(self, x, layer, pos):
        image, size = self.image, self.image.head_size
        tensor = lambda kind: image.tensors[kind, layer]
        q = self.rotate(matmul(tensor(WQ), x), pos)
        self.keys[layer].append(self.rotate(matmul(tensor(WK), x), pos))
        self.values[layer].append(matmul(tensor(WV), x))
        out = []
        for head in range(image.n_heads):
            start = head // (image.n_heads // image.n_kv_heads) * size
            query = q[head * size:(head + 1) * size]
            scores = [sum(a * b for a, b in zip(query, key[start:start + size])) / math.sqrt(size)
                      for key in self.keys[layer]]
            top = max(scores)
            weights = [math.exp(s - top) for s in scores]
            total = sum(weights)
            for i in range(start, start + size):
                out.append(sum(w * value[i] for w, value in zip(weights, self.values[layer])) / total)
        return matmul(tensor(WO), out)

    def feed_forward(self, x, layer):
        tensor = lambda kind: self.image.tensors[kind, layer]
        gate, up = matmul(tensor(W1), x), matmul(tensor(W3), x)
        return matmul(tensor(W2), [g / (1 + math.exp(-g)) * u for g, u in zip(gate, up)])

    def forward(self, token, pos):
        x = list(self.image.tensors[EMBEDDING, 0][token])
        for layer in range(self.image.n_layers):
            x = [a + b for a, b in zip(x, self.attention(self.rmsnorm(x, RMS_ATT, layer), layer, pos))]
            x = [a + b for a, b in zip(x, self.feed_forward(self.rmsnorm(x, RMS_FFN, layer), layer))]
        return matmul(self.image.tensors[WCLS, 0], self.rmsnorm(x, RMS_FINAL))


def print_gaps(image, tokens):
    model = Model(image)
    for pos, (token, following) in enumerate(zip([1] + tokens, tokens)):
        logits = model.forward(token, pos)
        print(max(logits) - logits[following])


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__.strip())
    with open(sys.argv[1], "rb") as file:
        image = Image(file.read())
    if sys.argv[2:3] == ["--gaps"]:
        return print_gaps(image, [int(t) for t in sys.argv[3:]])
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 32
    tokens = [1] + [int(t) for t in sys.argv[3:]]
    prompt_count = len(tokens)
    model, text = Model(image), b""
    for pos in range(min(steps, image.seq_len)):
        logits = model.forward(tokens[pos], pos)
        if pos + 1 >= prompt_count:
            tokens.append(max(range(len(logits)), key=logits.__getitem__))
        if tokens[pos + 1] == 1:
            break
        text += image.decode(tokens[pos], tokens[pos + 1])
    print(*tokens[1:])
    sys.stderr.write(text.decode(errors="replace") + "\n")


main()
