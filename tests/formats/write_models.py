"""Writers of other programs' model files, from their specifications and nothing but Python's standard library.

They share no code with formats/: what a writer here and a reader there agree on is the format.
"""
import json
import pathlib
import random
import struct
from array import array


def f32(x: float) -> float:
    """x rounded to binary32, as each operation of a reader rounds."""
    return struct.unpack("<f", struct.pack("<f", x))[0]


def f16(x: float) -> float:
    return struct.unpack("<e", struct.pack("<e", x))[0]


def half(x: float) -> bytes:
    return struct.pack("<e", x)


class Model:
    """A Llama model in llama2.c's order: wq and wk rotate neighbouring rows."""

    def __init__(self, dim, hidden, layers, heads, kv_heads, vocab, seq, shared, tensors):
        self.dim, self.hidden, self.layers, self.heads, self.kv_heads = dim, hidden, layers, heads, kv_heads
        self.vocab, self.seq, self.shared, self.tensors = vocab, seq, shared, tensors

    @property
    def head_size(self):
        return self.dim // self.heads

    @property
    def kv_dim(self):
        return self.head_size * self.kv_heads

    def shapes(self):
        """(name, rows, columns) in the legacy file's order, a layer's name with its number; rows 1: a vector."""
        d, kv, h = self.dim, self.kv_dim, self.hidden
        yield "token_embedding", self.vocab, d
        for kind, rows, columns in (("rms_att", 1, d), ("wq", d, d), ("wk", kv, d), ("wv", kv, d), ("wo", d, d),
                                    ("rms_ffn", 1, d), ("w1", h, d), ("w2", d, h), ("w3", h, d)):
            for layer in range(self.layers):
                yield f"{kind}.{layer}", rows, columns
        yield "rms_final", 1, d
        if not self.shared:
            yield "wcls", self.vocab, d

    def mapped(self, change):
        """The same shape with other numbers: change(name, rows, columns, values) -> values."""
        tensors = {n: change(n, r, c, self.tensors[n]) for n, r, c in self.shapes()}
        return Model(self.dim, self.hidden, self.layers, self.heads, self.kv_heads, self.vocab, self.seq, self.shared,
                     tensors)

    def untied(self):
        """The same model with a classifier of its own, equal to the embedding."""
        return Model(self.dim, self.hidden, self.layers, self.heads, self.kv_heads, self.vocab, self.seq, False,
                     {**self.tensors, "wcls": self.tensors["token_embedding"]})


def read_legacy(path) -> Model:
    data = pathlib.Path(path).read_bytes()
    dim, hidden, layers, heads, kv_heads, vocab, seq = struct.unpack_from("<7i", data)
    model = Model(dim, hidden, layers, heads, kv_heads, abs(vocab), seq, vocab > 0, {})
    at = 28
    for name, rows, columns in model.shapes():
        if name == "wcls":
            at += seq * model.head_size * 4
        values = array("f")
        values.frombytes(data[at:at + 4 * rows * columns])
        model.tensors[name] = values
        at += 4 * rows * columns
    return model


def write_legacy(model: Model, path):
    with open(path, "wb") as file:
        vocab = model.vocab if model.shared else -model.vocab
        file.write(struct.pack("<7i", model.dim, model.hidden, model.layers, model.heads, model.kv_heads, vocab,
                               model.seq))
        for name, _, _ in model.shapes():
            if name == "wcls":
                file.write(bytes(4 * model.seq * model.head_size))
            model.tensors[name].tofile(file)
        if model.shared:
            file.write(bytes(4 * model.seq * model.head_size))


def random_model(seed, dim, hidden, layers, heads, kv_heads, vocab, seq, shared) -> Model:
    r = random.Random(seed)
    model = Model(dim, hidden, layers, heads, kv_heads, vocab, seq, shared, {})
    for name, rows, columns in model.shapes():
        spread, middle = (0.1, 1.0) if rows == 1 else (columns**-0.5, 0.0)
        model.tensors[name] = array("f", (middle + spread * r.uniform(-1.7, 1.7) for _ in range(rows * columns)))
    return model


# ---- safetensors

HF_NAMES = {"token_embedding": "model.embed_tokens.weight", "rms_final": "model.norm.weight", "wcls": "lm_head.weight"}
HF_LAYER_NAMES = {"rms_att": "input_layernorm", "wq": "self_attn.q_proj", "wk": "self_attn.k_proj",
                  "wv": "self_attn.v_proj", "wo": "self_attn.o_proj", "rms_ffn": "post_attention_layernorm",
                  "w1": "mlp.gate_proj", "w2": "mlp.down_proj", "w3": "mlp.up_proj"}


def hf_name(name):
    if name in HF_NAMES:
        return HF_NAMES[name]
    kind, layer = name.split(".")
    return f"model.layers.{layer}.{HF_LAYER_NAMES[kind]}.weight"


def hf_rows(values, rows, columns, heads):
    """Of each head first the even rows, then the odd ones: Hugging Face rotates the two halves."""
    size = rows // heads
    out = array("f")
    for head in range(heads):
        for parity in (0, 1):
            for pair in range(size // 2):
                row = head * size + 2 * pair + parity
                out += values[row * columns:(row + 1) * columns]
    return out


def encode_plain(values, dtype):
    if dtype == "F32":
        return values.tobytes()
    if dtype == "F16":
        return struct.pack(f"<{len(values)}e", *values)
    # BF16: the upper half of binary32, rounded to nearest, ties to even.
    bits = array("I")
    bits.frombytes(values.tobytes())
    return array("H", ((b + 0x7FFF + (b >> 16 & 1)) >> 16 for b in bits)).tobytes()


def decode_plain(values, dtype):
    if dtype == "F32":
        return values
    if dtype == "F16":
        return array("f", struct.unpack(f"<{len(values)}e", encode_plain(values, dtype)))
    halves = array("H")
    halves.frombytes(encode_plain(values, dtype))
    floats = array("f")
    floats.frombytes(array("I", (h << 16 for h in halves)).tobytes())
    return floats


def hf_config(model: Model, **changes):
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
              "hidden_size": model.dim, "intermediate_size": model.hidden, "num_hidden_layers": model.layers,
              "num_attention_heads": model.heads, "num_key_value_heads": model.kv_heads, "vocab_size": model.vocab,
              "max_position_embeddings": model.seq, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
              "rope_scaling": None, "attention_bias": False, "tie_word_embeddings": model.shared}
    config.update(changes)
    return {key: value for key, value in config.items() if value != "absent"}


def write_safetensors(path, tensors, metadata=None):
    """tensors: name -> (dtype, shape, bytes)."""
    header, at = {"__metadata__": {"format": "pt", **(metadata or {})}}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors.values():
            file.write(data)


def write_hf_folder(model: Model, folder, dtype="F32", shards=1, extra=None, metadata=None, **config):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(hf_config(model, **config)))
    tensors = {}
    for name, rows, columns in model.shapes():
        values = model.tensors[name]
        if name.startswith("wq."):
            values = hf_rows(values, rows, columns, model.heads)
        if name.startswith("wk."):
            values = hf_rows(values, rows, columns, model.kv_heads)
        shape = [columns] if rows == 1 else [rows, columns]
        tensors[hf_name(name)] = (dtype, shape, encode_plain(values, dtype))
    tensors.update(extra or {})
    if shards == 1:
        write_safetensors(folder / "model.safetensors", tensors, metadata)
        return
    names = list(tensors)
    weight_map = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        mine = names[shard::shards]
        write_safetensors(folder / file, {name: tensors[name] for name in mine})
        weight_map.update({name: file for name in mine})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


# ---- GGUF

def clamp(x, low, high):
    return max(low, min(high, int(round(x))))


def q8_0(values):
    """(bytes, the values they stand for) of 32 numbers."""
    d = f16(max(map(abs, values)) / 127)
    quants = [clamp(v / d if d else 0, -127, 127) for v in values]
    return half(d) + struct.pack("<32b", *quants), [f32(d * q) for q in quants]


def q4_0(values):
    d = f16(max(map(abs, values)) / 7)
    quants = [clamp(v / d if d else 0, -8, 7) + 8 for v in values]
    packed = bytes(quants[i] | quants[i + 16] << 4 for i in range(16))
    return half(d) + packed, [f32(d * (q - 8)) for q in quants]


def q5_0(values):
    d = f16(max(map(abs, values)) / 15)
    quants = [clamp(v / d if d else 0, -16, 15) + 16 for v in values]
    fifth_bits = sum((q >> 4) << i for i, q in enumerate(quants))
    low = bytes(quants[i] & 15 | (quants[i + 16] & 15) << 4 for i in range(16))
    return half(d) + struct.pack("<I", fifth_bits) + low, [f32(d * (q - 16)) for q in quants]


def q4_k(values):
    """256 numbers: 8 groups of 32, each scale * q - minimum, scales and minima in 6 bits of the block's two."""
    groups = [values[i:i + 32] for i in range(0, 256, 32)]
    lows = [max(0.0, -min(g)) for g in groups]
    steps = [(max(g) + low) / 15 for g, low in zip(groups, lows)]
    d, dmin = f16(max(steps) / 63), f16(max(lows) / 63)
    scales = [clamp(s / d if d else 0, 0, 63) for s in steps]
    minima = [clamp(m / dmin if dmin else 0, 0, 63) for m in lows]
    quants, out = [], []
    for group, scale, minimum in zip(groups, scales, minima):
        s, m = f32(d * scale), f32(dmin * minimum)
        q = [clamp((v + m) / s if s else 0, 0, 15) for v in group]
        quants.append(q)
        out += [f32(f32(s * x) - m) for x in q]
    packed = bytearray(12)
    for j in range(4):
        packed[j] = scales[j] | (scales[j + 4] >> 4) << 6
        packed[j + 4] = minima[j] | (minima[j + 4] >> 4) << 6
        packed[j + 8] = (scales[j + 4] & 15) | (minima[j + 4] & 15) << 4
    nibbles = bytes(quants[2 * pair][i] | quants[2 * pair + 1][i] << 4 for pair in range(4) for i in range(32))
    return half(d) + half(dmin) + bytes(packed) + nibbles, out


def q6_k(values):
    """256 numbers: 16 groups of 16, each an 8-bit scale; 6 bits a number, 4 of them and 2 apart."""
    steps = [max(map(abs, values[i:i + 16])) / 31 for i in range(0, 256, 16)]
    d = f16(max(steps) / 127)
    scales = [clamp(s / d if d else 0, 0, 127) for s in steps]
    quants = [clamp(v / (d * scales[i // 16]) if d * scales[i // 16] else 0, -32, 31) + 32
              for i, v in enumerate(values)]
    low, high = bytearray(128), bytearray(64)
    for i, q in enumerate(quants):
        part, run, place = i // 128, i % 128 // 32, i % 32
        low[part * 64 + run % 2 * 32 + place] |= (q & 15) << (run // 2 * 4)
        high[part * 32 + place] |= (q >> 4) << (2 * run)
    out = [f32(f32(d * scales[i // 16]) * (q - 32)) for i, q in enumerate(quants)]
    return bytes(low) + bytes(high) + struct.pack("<16b", *scales) + half(d), out


GGML = {"F32": 0, "F16": 1, "Q4_0": 2, "Q5_0": 6, "Q8_0": 8, "Q4_K": 12, "Q6_K": 14, "BF16": 30}
BLOCKS = {"Q8_0": (32, q8_0), "Q4_0": (32, q4_0), "Q5_0": (32, q5_0), "Q4_K": (256, q4_k), "Q6_K": (256, q6_k)}
GGUF_NAMES = {"token_embedding": "token_embd", "rms_final": "output_norm", "wcls": "output"}
GGUF_LAYER_NAMES = {"rms_att": "attn_norm", "wq": "attn_q", "wk": "attn_k", "wv": "attn_v", "wo": "attn_output",
                    "rms_ffn": "ffn_norm", "w1": "ffn_gate", "w2": "ffn_down", "w3": "ffn_up"}


def gguf_name(name):
    if name in GGUF_NAMES:
        return GGUF_NAMES[name] + ".weight"
    kind, layer = name.split(".")
    return f"blk.{layer}.{GGUF_LAYER_NAMES[kind]}.weight"


def ggml_type(wanted, rows, columns):
    """As ggml's own quantiser decides: vectors stay F32; rows that are no whole blocks of 256 get the larger type with
    blocks of 32, and rows that are no whole blocks of these F16."""
    if rows == 1:
        return "F32"
    if columns % 256:
        wanted = {"Q4_K": "Q5_0", "Q6_K": "Q8_0"}.get(wanted, wanted)
    return "F16" if wanted in BLOCKS and columns % BLOCKS[wanted][0] else wanted


def encode_ggml(values, type_name):
    """(bytes, the numbers they stand for)."""
    if type_name not in BLOCKS:
        return encode_plain(values, type_name), decode_plain(values, type_name)
    length, encode = BLOCKS[type_name]
    data, numbers = bytearray(), array("f")
    for i in range(0, len(values), length):
        block, decoded = encode(values[i:i + length])
        data += block
        numbers.extend(decoded)
    return bytes(data), numbers


def gguf_string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(data)) + data


def gguf_value(value):
    if isinstance(value, bool):
        return struct.pack("<IB", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + gguf_string(value)
    kind, items = value  # an array
    if kind == "string":
        return struct.pack("<IIQ", 9, 8, len(items)) + b"".join(map(gguf_string, items))
    code, number = {"f32": (6, "f"), "i32": (5, "i")}[kind]
    return struct.pack("<IIQ", 9, code, len(items)) + struct.pack(f"<{len(items)}{number}", *items)


def gguf_metadata(model: Model):
    return {"general.architecture": "llama", "general.name": "written by a test", "llama.context_length": model.seq,
            "llama.embedding_length": model.dim, "llama.block_count": model.layers,
            "llama.feed_forward_length": model.hidden, "llama.attention.head_count": model.heads,
            "llama.attention.head_count_kv": model.kv_heads, "llama.rope.dimension_count": model.head_size,
            "llama.rope.freq_base": 10000.0, "llama.attention.layer_norm_rms_epsilon": 1e-5}


def write_gguf(model: Model, path, type_name="F32", metadata=None, extra=(), alignment=32) -> Model:
    """Returns the model that the file stands for. extra: (name, shape, bytes) of more F32 tensors."""
    values = gguf_metadata(model)
    if alignment != 32:
        values["general.alignment"] = alignment
    values.update(metadata or {})
    values = {key: value for key, value in values.items() if value != "absent"}
    infos, blobs, decoded, at = [], [], {}, 0

    def add(name, shape, code, data):
        nonlocal at
        infos.append(gguf_string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, code, at))
        data += bytes(-len(data) % alignment)
        blobs.append(data)
        at += len(data)

    for name, rows, columns in model.shapes():
        kind = ggml_type(type_name, rows, columns)
        data, decoded[name] = encode_ggml(model.tensors[name], kind)
        add(gguf_name(name), [columns] if rows == 1 else [columns, rows], GGML[kind], data)
    for name, shape, data in extra:
        add(name, shape, GGML["F32"], data)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(values))
    head += b"".join(gguf_string(key) + gguf_value(value) for key, value in values.items()) + b"".join(infos)
    pathlib.Path(path).write_bytes(head + bytes(-len(head) % alignment) + b"".join(blobs))
    return model.mapped(lambda name, rows, columns, _: decoded[name])


# ---- tokenizers

def read_tokenizer_bin(path):
    """[(score, piece)]"""
    data = pathlib.Path(path).read_bytes()
    tokens, at = [], 4
    while at < len(data):
        score, length = struct.unpack_from("<fi", data, at)
        tokens.append((score, data[at + 8:at + 8 + length]))
        at += 8 + length
    return tokens


def sp_piece(piece: bytes) -> bytes:
    return {b"\n<s>\n": b"<s>", b"\n</s>\n": b"</s>"}.get(piece, piece).replace(b" ", "▁".encode())


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def field(number, data: bytes):
    return varint(number << 3 | 2) + varint(len(data)) + data


def token_type(i):
    return 2 if i == 0 else 3 if i < 3 else 6 if i < 259 else 1


def write_sentencepiece(tokens, path, model_type=2, dummy_prefix=True):
    out = b""
    for i, (score, piece) in enumerate(tokens):
        out += field(1, field(1, sp_piece(piece)) + b"\x15" + struct.pack("<f", score) + b"\x18" + bytes([token_type(i)]))
    trainer = b"\x18" + bytes([model_type]) + b"\x20" + varint(len(tokens)) + varint(35 << 3) + b"\x01"
    out += field(2, trainer) + field(3, field(1, b"identity") + b"\x18" + bytes([dummy_prefix]))
    pathlib.Path(path).write_bytes(out)


def write_tokenizer_json(tokens, path, pairs=False, order=None):
    """As transformers converts a SentencePiece BPE: a merge for each way that a piece has been made of two."""
    order = order or list(range(len(tokens)))
    text = [sp_piece(piece).decode() for _, piece in tokens]
    place = {text[i]: n for n, i in enumerate(order)}
    ids = {piece: i for i, piece in enumerate(text) if i >= 259}
    merges = []
    for i in sorted(range(259, len(tokens)), key=lambda i: (-tokens[i][0], i)):
        for cut in range(1, len(text[i])):
            left, right = text[i][:cut], text[i][cut:]
            if left in ids and right in ids:
                merges.append([left, right] if pairs else f"{left} {right}")
    file = {"version": "1.0", "added_tokens": [{"id": place[t], "content": t, "special": True} for t in ("<unk>", "<s>", "</s>")],
            "normalizer": {"type": "Sequence", "normalizers": [
                {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
            "pre_tokenizer": None,
            "post_processor": {"type": "TemplateProcessing", "single": [
                {"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]},
            "model": {"type": "BPE", "unk_token": "<unk>", "byte_fallback": True, "vocab": place, "merges": merges}}
    pathlib.Path(path).write_text(json.dumps(file, ensure_ascii=False))


def gguf_tokenizer(tokens):
    return {"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": ("string", [sp_piece(p) for _, p in tokens]),
            "tokenizer.ggml.scores": ("f32", [s for s, _ in tokens]),
            "tokenizer.ggml.token_type": ("i32", [token_type(i) for i in range(len(tokens))]),
            "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2,
            "tokenizer.ggml.unknown_token_id": 0}
