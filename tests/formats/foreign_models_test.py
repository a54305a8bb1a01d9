#!/usr/bin/env python3
"""Models and tokenizers of other programs: foreign_models_test.py PICO_LLAMA MODEL_PROBE [unittest options].

The writers are write_models.py's. A file that stands for certain numbers must pack into the very image that a
llama2.c checkpoint of these numbers packs into; only the image's record of where it came from may differ.
"""
import json
import math
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import unittest
from array import array

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(pathlib.Path(__file__).parent), str(ROOT / "scripts"), str(ROOT / "tests/support")]
import llama_forward  # noqa: E402
import prompts  # noqa: E402
import virtual_board  # noqa: E402
import write_models as w  # noqa: E402

COMMAND, PROBE = sys.argv.pop(1), sys.argv.pop(1)
TALES, TALES_TOKENS = ROOT / "models/pico-tales.bin", ROOT / "models/pico-tales.tok.bin"


def small_tokens(count=300):
    """A tokenizer for made-up models: <unk>, BOS, EOS, the bytes, letters and pairs of them."""
    pieces = [b"<unk>", b"\n<s>\n", b"\n</s>\n"] + [b"<0x%02X>" % i for i in range(256)]
    pieces += [b" "] + [bytes([c]) for c in range(97, 123)] + [b" a", b"th", b"the", b"he", b" t", b"an"]
    pieces += [b"x%d" % i for i in range(count - len(pieces))]
    return [(0.0 if i < 259 else 259.0 - i, piece) for i, piece in enumerate(pieces)]


def write_tokenizer_bin(tokens, path):
    longest = max(len(piece) for _, piece in tokens)
    data = b"".join(struct.pack("<fi", score, len(piece)) + piece for score, piece in tokens)
    pathlib.Path(path).write_bytes(struct.pack("<i", longest) + data)


class Foreign(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def command(self, *arguments):
        return subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, timeout=300)

    def image(self, model, tokenizer=None, profile="f32"):
        """(provenance-free header, body) of the packed image, without the metadata behind them."""
        out = self.folder / "image.plm"
        more = ["-z", tokenizer] if tokenizer else []
        done = self.command("pack", model, *more, "--profile", profile, "--drafts", 0, "-o", out)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        data = out.read_bytes()
        end = struct.unpack_from("<I", data, 144)[0] or len(data)
        return data[:8] + bytes(4) + data[16:80], data[160:end] + bytes(-end % 64)

    def metadata(self, model, tokenizer):
        out = self.folder / "image.plm"
        done = self.command("pack", model, "-z", tokenizer, "-o", out)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return json.loads(self.command("info", out, "--json").stdout)["metadata"]

    def assert_same_image(self, a, b):
        self.assertEqual(a[0], b[0], "headers")
        self.assertTrue(a[1] == b[1], "weights or tokenizer")

    def refused(self, part, *arguments):
        done = self.command(*arguments)
        error = done.stderr.decode()
        self.assertEqual(done.returncode, 1, error)
        self.assertTrue(error.startswith("pico-llama: ") and error.count("\n") == 1, error)
        self.assertIn(part, error)

    def greedy(self, model, *more):
        done = self.command("run", model, *more, "-t", 0, "-n", 80, "--json")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return json.loads(done.stdout)["tokens"]


def story_models():
    """(name, checkpoint, tokenizer): the model that ships and, where it is, stories260K."""
    yield "pico-tales", TALES, TALES_TOKENS
    try:
        yield "stories260K", *virtual_board.find_model(*virtual_board.STORIES260K)
    except virtual_board.Missing as missing:
        print("without stories260K:", missing)


class Stories(Foreign):
    """A story from its first token to its end, from each form that holds a checkpoint's very numbers."""

    def story(self, model, *more):
        done = self.command("run", model, *more, "-t", 0, "-n", 0, "--json")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return json.loads(done.stdout)

    def forms(self, model, tokens):
        """(name, file or folder, what `run` and `pack` need beside it)."""
        for tying, m in (("tied", model), ("untied", model.untied())):
            for shards in (1, 3):
                folder = self.folder / f"{tying}{shards}"
                w.write_hf_folder(m, folder, "F32", shards)
                w.write_sentencepiece(tokens, folder / "tokenizer.model")
                yield f"safetensors, {tying}, {shards} files", folder, ()
            file = self.folder / f"{tying}.gguf"
            w.write_gguf(m, file, "F32", w.gguf_tokenizer(tokens))
            yield f"GGUF, {tying}", file, ()
        yield "safetensors, a file", self.folder / "tied1/model.safetensors", ("-z", self.folder / "tied1/tokenizer.model")

    def test_every_form_tells_the_checkpoints_story(self):
        for name, checkpoint, tokenizer in story_models():
            model, tokens = w.read_legacy(checkpoint), w.read_tokenizer_bin(tokenizer)
            expected = self.story(checkpoint, "-z", tokenizer)
            self.assertGreater(len(expected["tokens"]), 100, "a story has a hundred tokens at least")
            for form, path, more in self.forms(model, tokens):
                with self.subTest(f"{name}: {form}"):
                    told = self.story(path, *more)
                    self.assertEqual((told["tokens"], told["text"]), (expected["tokens"], expected["text"]))
                    image = self.folder / "image.plm"
                    done = self.command("pack", path, *more, "--profile", "f32", "--drafts", 0, "-o", image)
                    self.assertEqual(done.returncode, 0, done.stderr.decode())
                    told = self.story(image)
                    self.assertEqual((told["tokens"], told["text"]), (expected["tokens"], expected["text"]))


    def test_a_trimmed_vocabulary_is_the_same_from_each_format(self):
        model, tokens = w.read_legacy(TALES), w.read_tokenizer_bin(TALES_TOKENS)
        w.write_hf_folder(model, self.folder / "hf", "F32")
        w.write_sentencepiece(tokens, self.folder / "hf/tokenizer.model")
        w.write_gguf(model, self.folder / "m.gguf", "F32", w.gguf_tokenizer(tokens))
        text = self.folder / "stories.txt"
        text.write_text("Once upon a time there was a fox.\n\nThe fox had a friend.\n")
        told = []
        for path, more in ((TALES, ("-z", TALES_TOKENS)), (self.folder / "hf", ()), (self.folder / "m.gguf", ())):
            image = self.folder / "image.plm"
            done = self.command("pack", path, *more, "--profile", "q8", "--vocabulary", 400, "--vocabulary-text", text, "-o", image)
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            self.assertIn("vocabulary 400 of 512 pieces", done.stderr.decode())
            self.assertEqual(json.loads(self.command("info", image, "--json").stdout)["tensors"][-1]["rows"], 400)
            told.append(self.greedy(image))
        self.assertGreater(len(told[0]), 40)
        self.assertTrue(told[0] == told[1] == told[2], told)


class Logits(Foreign):
    """Rounded types: the logits are those of the numbers that the writer rounded to, computed by llama_forward.py in
    binary64. How far these are from the unrounded model's depends on the type: 0.02 for F16, 0.16 for BF16, 0.3 for Q8_0,
    several units for four bits. That is printed, and bounded for the fine types."""

    CLOSE = 1e-4  # up to 1.7e-5 was measured; logits of these models reach 20

    def probe(self, model, tokenizer, tokens):
        done = subprocess.run([PROBE, model, tokenizer, "logits", *map(str, tokens)], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def computed(self, model, tokens, rope_theta=10000.0, rms_eps=1e-5):
        rows = lambda name, count, columns: [model.tensors[name][i * columns:(i + 1) * columns].tolist() for i in range(count)]  # noqa: E731
        named = {name: rows(name, count, columns) for name, count, columns in model.shapes()}
        one = lambda name: named[name][0]  # noqa: E731
        layers = [llama_forward.Layer(*(one(f"{k}.{i}") if k.startswith("rms") else named[f"{k}.{i}"] for k in llama_forward.Layer._fields))
                  for i in range(model.layers)]
        weights = llama_forward.Weights(model.heads, model.kv_heads, named["token_embedding"], layers, one("rms_final"),
                                        named["token_embedding" if model.shared else "wcls"])

        def rope_row(pos):
            angles = [pos * rope_theta ** (-2 * i / model.head_size) for i in range(model.head_size // 2)]
            return [f(a) for a in angles for f in (math.cos, math.sin)]

        llama = llama_forward.Llama(weights, rope_row, rms_eps)
        return [llama.forward(token, pos) for pos, token in enumerate(tokens)]

    def farthest(self, a, b):
        self.assertEqual([len(row) for row in a], [len(row) for row in b])
        return max(abs(x - y) for left, right in zip(a, b) for x, y in zip(left, right))

    def check(self, name, model, tokenizer, tokens, kinds, fine):
        exact = self.computed(model, tokens)
        for kind, write in kinds.items():
            with self.subTest(f"{name}: {kind}"):
                path, stands_for = write(model)
                rounded = self.computed(stands_for, tokens)
                distance, rounding = self.farthest(self.probe(path, tokenizer, tokens), rounded), self.farthest(rounded, exact)
                print(f"{name}, {kind}: {distance:.1e} from binary64 over the same numbers; rounding itself {rounding:.1e}")
                self.assertLess(distance, self.CLOSE)
                if kind in fine:
                    self.assertLess(rounding, fine[kind])

    def safetensors(self, dtype):
        def write(model):
            folder = self.folder / dtype
            w.write_hf_folder(model, folder, dtype)
            return folder, model.mapped(lambda name, rows, columns, values: w.decode_plain(values, dtype))
        return write

    def gguf(self, kind):
        def write(model):
            file = self.folder / f"{kind}.gguf"
            return file, w.write_gguf(model, file, kind)
        return write

    def kinds(self):
        types = {f"safetensors {t}": self.safetensors(t) for t in ("F32", "F16", "BF16")}
        return types | {f"GGUF {t}": self.gguf(t) for t in ("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q5_0", "Q4_K", "Q6_K")}

    def test_models_that_tell_stories(self):
        """Of rows of 64 and 172 ggml's quantiser makes no blocks of 256: their Q4_K is Q5_0 and F16, their Q6_K Q8_0
        and F16. The next test has true ones."""
        for name, checkpoint, tokenizer in story_models():
            tokens = [1] + self.greedy(checkpoint, "-z", tokenizer)[:11]
            self.check(name, w.read_legacy(checkpoint), tokenizer, tokens, self.kinds(),
                       {"safetensors F32": 1e-9, "GGUF F32": 1e-9, "safetensors F16": 0.05, "GGUF F16": 0.05, "GGUF Q8_0": 0.5})

    def test_blocks_of_256(self):
        write_tokenizer_bin(small_tokens(), self.folder / "tok.bin")
        model = w.random_model(3, 256, 512, 2, 4, 2, 300, 16, False)
        r = random.Random(8)
        self.check("random", model, self.folder / "tok.bin", [1] + [r.randrange(300) for _ in range(5)],
                   {f"GGUF {t}": self.gguf(t) for t in ("Q4_K", "Q6_K")}, {})

    def test_rope_base_and_epsilon(self):
        write_tokenizer_bin(small_tokens(), self.folder / "tok.bin")
        model = w.random_model(9, 24, 40, 2, 6, 2, 300, 32, False)
        tokens = [1] + list(range(40, 60))
        w.write_hf_folder(model, self.folder / "m", rope_theta=500000.0, rms_norm_eps=0.25)
        w.write_gguf(model, self.folder / "m.gguf", metadata={"llama.rope.freq_base": 500000.0, "llama.attention.layer_norm_rms_epsilon": 0.25})
        expected = self.computed(model, tokens, 500000.0, 0.25)
        self.assertGreater(self.farthest(expected, self.computed(model, tokens, 500000.0)), 100 * self.CLOSE)
        self.assertGreater(self.farthest(expected, self.computed(model, tokens, rms_eps=0.25)), 100 * self.CLOSE)
        for path in (self.folder / "m", self.folder / "m.gguf"):
            self.assertLess(self.farthest(self.probe(path, self.folder / "tok.bin", tokens), expected), self.CLOSE)


class Prompts(Foreign):
    """A thousand prompts of every kind, encoded alike by each form of a tokenizer and by a reference in Python."""

    def encode(self, model, tokenizer, texts):
        lines = "".join(json.dumps(text) + "\n" for text in texts)
        done = subprocess.run([PROBE, model, tokenizer, "encode"], input=lines, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def assert_encoded(self, texts, got, expected):
        self.assertEqual(len(got), len(texts))
        for text, a, b in zip(texts, got, expected):
            self.assertEqual(a, b, repr(text))

    def test_forms_of_a_sentencepiece_tokenizer(self):
        for name, checkpoint, tokenizer in story_models():
            tokens = w.read_tokenizer_bin(tokenizer)
            texts = prompts.of_every_kind(1000, [piece.decode(errors="ignore") for _, piece in tokens[259:]])
            expected = prompts.llama2c_encode(tokens, texts)
            self.assertGreater(len(set(map(tuple, expected))), 900)
            w.write_sentencepiece(tokens, self.folder / "tokenizer.model")
            w.write_tokenizer_json(tokens, self.folder / "text.json", pairs=False)
            w.write_tokenizer_json(tokens, self.folder / "pairs.json", pairs=True)
            w.write_gguf(w.read_legacy(checkpoint), self.folder / "m.gguf", "F32", w.gguf_tokenizer(tokens))
            for form in (tokenizer, *(self.folder / f for f in ("tokenizer.model", "text.json", "pairs.json", "m.gguf"))):
                with self.subTest(f"{name}: {form.name}"):
                    self.assert_encoded(texts, self.encode(checkpoint, form, texts), expected)

    def test_byte_level_bpe(self):
        """Against byte-pair encoding by the rank of each merge, as GPT-2 defines it."""
        merges = prompts.train_byte_level(200)
        texts = prompts.of_every_kind(1000, [bytes(a + b).decode(errors="ignore") for a, b in merges])
        vocab, letters = prompts.byte_level_vocabulary(merges)
        begin = len(vocab)
        as_text = [f"{letters(a)} {letters(b)}" for a, b in merges]
        file = {"added_tokens": [{"id": begin, "content": "<|endoftext|>", "special": True}],
                "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False}, "decoder": {"type": "ByteLevel"},
                "model": {"type": "BPE", "vocab": {letters(piece): i for i, piece in enumerate(vocab)} | {"<|endoftext|>": begin}, "merges": as_text}}
        (self.folder / "tokenizer.json").write_text(json.dumps(file))
        model = w.random_model(5, 24, 40, 1, 2, 2, begin + 1, 64, True)
        w.write_legacy(model, self.folder / "m.bin")
        w.write_gguf(model, self.folder / "m.gguf", "F32", {
            "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": ("string", [letters(p) for p in vocab] + ["<|endoftext|>"]),
            "tokenizer.ggml.token_type": ("i32", [1] * begin + [3]), "tokenizer.ggml.merges": ("string", as_text),
            "tokenizer.ggml.bos_token_id": begin, "tokenizer.ggml.eos_token_id": begin})
        # The engine's numbers: BOS is 1, byte b is b + 3; the other pieces fill 0, 2 and what follows the bytes.
        number = {piece: piece[0] + 3 for piece in vocab if len(piece) == 1}
        number.update(zip((piece for piece in vocab if len(piece) > 1), [0, 2, *range(259, begin + 1)]))
        ours = [prompts.byte_level_encode(merges, text, whole_characters=True) for text in texts]
        # Of GPT-2's own encoding two steps are left out: the split at words, and that characters are made of bytes first.
        split = [[piece for word in prompts.words_of(text) for piece in prompts.byte_level_encode(merges, word)] for text in texts]
        self.assertEqual(sum(a != b for a, b in zip(ours, split)), 2, "docs/your-own-model.md says so")
        expected = [[1] + [number[piece] for piece in pieces] for pieces in ours]
        for form in ("tokenizer.json", "m.gguf"):
            with self.subTest(form):
                self.assert_encoded(texts, self.encode(self.folder / "m.bin", self.folder / form, texts), expected)


class Safetensors(Foreign):
    def test_the_shipped_model_tells_its_story_from_each_type(self):
        model = w.read_legacy(TALES)
        story = self.greedy(TALES)
        for dtype in ("F32", "F16", "BF16"):
            with self.subTest(dtype):
                folder = self.folder / dtype
                w.write_hf_folder(model, folder, dtype)
                stands_for = model.mapped(lambda name, rows, columns, values: w.decode_plain(values, dtype))
                w.write_legacy(stands_for, self.folder / "same.bin")
                self.assert_same_image(self.image(folder, TALES_TOKENS), self.image(self.folder / "same.bin", TALES_TOKENS))
                if dtype == "F32":
                    self.assertEqual(self.greedy(folder, "-z", TALES_TOKENS), story)
                    self.assertEqual(self.greedy(folder / "model.safetensors", "-z", TALES_TOKENS), story)

    def small(self, shared=False, seed=1):
        return w.random_model(seed, 24, 40, 2, 6, 2, 300, 32, shared)

    def tokenizer(self):
        path = self.folder / "tok.bin"
        write_tokenizer_bin(small_tokens(), path)
        return path

    def test_what_it_says_of_itself(self):
        spec = {"modelspec.title": "Cats", "modelspec.license": "MIT", "modelspec.author": "Zoë"}
        for said, config, want in ((spec, {"_name_or_path": "zoe/dogs"}, {"name": "Cats", "licence": "MIT", "authors": "Zoë"}),
                                   ({}, {"_name_or_path": "zoe/dogs"}, {"name": "dogs"}), ({"modelspec.title": 5}, {}, {}), ({}, {}, {})):
            w.write_hf_folder(self.small(), self.folder / "said", metadata=said, **config)
            self.assertEqual(self.metadata(self.folder / "said", self.tokenizer()), want)

    def test_shards_untied_classifier_and_grouped_heads(self):
        model, tokens = self.small(), self.tokenizer()
        w.write_legacy(model, self.folder / "same.bin")
        expected = self.image(self.folder / "same.bin", tokens)
        w.write_hf_folder(model, self.folder / "one", "F32")
        self.assert_same_image(self.image(self.folder / "one", tokens), expected)
        w.write_hf_folder(model, self.folder / "three", "F32", shards=3)
        self.assert_same_image(self.image(self.folder / "three", tokens), expected)
        shard = self.folder / "three/model-00002-of-00003.safetensors"
        self.assert_same_image(self.image(shard, tokens), expected)
        shard.unlink()
        self.refused("model-00002-of-00003.safetensors: no such file", "info", self.folder / "three")

    def test_a_tied_classifier_written_again_is_not_unused(self):
        model, tokens = self.small(shared=True), self.tokenizer()
        w.write_legacy(model, self.folder / "same.bin")
        extra = {"lm_head.weight": ("F32", [model.vocab, model.dim], model.tensors["token_embedding"].tobytes())}
        w.write_hf_folder(model, self.folder / "tied", extra=extra)
        self.assert_same_image(self.image(self.folder / "tied", tokens), self.image(self.folder / "same.bin", tokens))

    def test_rope_base_and_epsilon_reach_the_image(self):
        w.write_hf_folder(self.small(), self.folder / "m", rope_theta=500000.0, rms_norm_eps=1e-6)
        header, body = self.image(self.folder / "m", self.tokenizer())
        self.assertEqual(struct.unpack_from("<2f", header, 64), (500000.0, w.f32(1e-6)))
        w.write_hf_folder(self.small(), self.folder / "n", rope_theta="absent", rms_norm_eps="absent",
                          rope_parameters={"rope_type": "default", "rope_theta": 500000.0})
        self.assertEqual((header, body), self.image(self.folder / "n", self.tokenizer()))
        info = json.loads(self.command("info", "--json", self.folder / "m").stdout)
        self.assertEqual(info["rope_base"], 500000.0)

    def test_refuses_by_name_what_cannot_be_run(self):
        model = self.small()
        for part, changes in (("type mistral", {"model_type": "mistral"}), ("MixtralForCausalLM", {"architectures": ["MixtralForCausalLM"]}),
                              ("hidden_act gelu", {"hidden_act": "gelu"}), ("attention_bias", {"attention_bias": True}),
                              ("mlp_bias", {"mlp_bias": True}), ("sliding_window 4096", {"sliding_window": 4096}),
                              ("rope_scaling llama3", {"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}),
                              ("rope_scaling linear", {"rope_scaling": {"type": "linear", "factor": 2.0}}),
                              ("head_dim 8", {"head_dim": 8}), ("partial_rotary_factor 0.5", {"partial_rotary_factor": 0.5}),
                              ("partial_rotary_factor 0.25", {"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.25}}),
                              ('layer_types "sliding_attention" is not supported', {"layer_types": ["full_attention", "sliding_attention"]}),
                              ("the RoPE base is 0", {"rope_theta": 0}), ("epsilon is -1", {"rms_norm_eps": -1}), ("quantization_config", {"quantization_config": {"bits": 4}}),
                              ("hidden_size is missing", {"hidden_size": "absent"}), ("hidden_size is not an integer", {"hidden_size": "24"}),
                              ("dim is 99999999", {"hidden_size": 99999999}), ("another shape", {"hidden_size": 12}),
                              ("layers.2.input_layernorm.weight is missing", {"num_hidden_layers": 3})):
            with self.subTest(part):
                w.write_hf_folder(model, self.folder / "m", **changes)
                self.refused(part, "info", self.folder / "m")
        for name, part in (("model.layers.0.self_attn.q_proj.bias", "is a bias"), ("model.layers.1.self_attn.q_norm.weight", "normalises queries or keys"),
                           ("model.layers.0.mlp.experts.0.weight", "mixture of experts"),
                           ("model.layers.0.post_feedforward_layernorm.weight", "is not part of a Llama model")):
            with self.subTest(name):
                w.write_hf_folder(model, self.folder / "m", extra={name: ("F32", [4], bytes(16))})
                self.refused(part, "info", self.folder / "m")
        w.write_hf_folder(model, self.folder / "m", extra={"model.norm.weight": ("I64", [24], bytes(192))})
        self.refused("is of type I64", "info", self.folder / "m")

    def test_what_a_config_may_leave_out_or_say_twice(self):
        """Defaults are LlamaConfig's: as many key/value heads as heads, heads that divide the width, an epsilon of 1e-6."""
        model, tokens = w.random_model(11, 24, 40, 2, 6, 6, 300, 32, False), self.tokenizer()
        w.write_hf_folder(model, self.folder / "all", head_dim=4, torch_dtype="float32", rms_norm_eps=1e-6, partial_rotary_factor=1.0,
                          layer_types=["full_attention"] * 2, pretraining_tp=1, use_cache=True, attention_dropout=0.0)
        w.write_hf_folder(model, self.folder / "few", **{key: "absent" for key in (
            "num_key_value_heads", "rms_norm_eps", "rope_theta", "rope_scaling", "attention_bias", "tie_word_embeddings", "hidden_act")})
        self.assert_same_image(self.image(self.folder / "few", tokens), self.image(self.folder / "all", tokens))

    def test_a_vocabulary_rounded_up_has_tokens_without_text(self):
        """Engines round the vocabulary up to a multiple of 64 or so; the tokenizer keeps its 293 tokens."""
        for vocab in (296, 304, 320, 384):
            model = w.random_model(12, 24, 40, 1, 6, 2, vocab, 32, False)
            tokens = small_tokens(293)
            write_tokenizer_bin(tokens, self.folder / "tok.bin")
            write_tokenizer_bin(tokens + [(0.0, b"")] * (vocab - 293), self.folder / "padded.bin")
            w.write_hf_folder(model, self.folder / "m")
            self.assert_same_image(self.image(self.folder / "m", self.folder / "tok.bin"), self.image(self.folder / "m", self.folder / "padded.bin"))
            w.write_gguf(model, self.folder / "m.gguf", metadata=w.gguf_tokenizer(tokens))
            self.assert_same_image(self.image(self.folder / "m.gguf"), self.image(self.folder / "m", self.folder / "padded.bin"))
            self.assertEqual(self.command("run", self.folder / "m", "-z", self.folder / "tok.bin", "-i", "the").returncode, 0)
            # llama2.c would read past the end of such a tokenizer.
            w.write_legacy(model, self.folder / "m.bin")
            self.refused(f"has 293 tokens, and the model's vocabulary is {vocab}", "run", self.folder / "m.bin", "-z", self.folder / "tok.bin")
        for vocab in (300, 512):  # no multiple of 8; more than rounding adds
            w.write_hf_folder(w.random_model(12, 24, 40, 1, 6, 2, vocab, 32, False), self.folder / "m")
            self.refused(f"has 293 tokens, and the model's vocabulary is {vocab}", "run", self.folder / "m", "-z", self.folder / "tok.bin")

    def test_tokens_added_behind_the_embedding_are_refused(self):
        """A chat template's tokens that the model has no rows for."""
        w.write_hf_folder(self.small(), self.folder)
        w.write_tokenizer_json(small_tokens(), self.folder / "tokenizer.json")
        file = json.loads((self.folder / "tokenizer.json").read_text())
        file["added_tokens"].append({"id": 300, "content": "<|im_start|>", "special": True})
        (self.folder / "tokenizer.json").write_text(json.dumps(file))
        self.refused("tokenizer.json: has 301 tokens, and the model's vocabulary is 300; give -z the tokenizer the model was trained with, or "
                     "resize the model's embedding to the tokenizer where it was trained", "run", self.folder)

    def test_damage_is_one_line(self):
        folder = self.folder / "m"
        w.write_hf_folder(self.small(), folder)
        file = folder / "model.safetensors"
        good = file.read_bytes()
        for cut in (len(good) - 1, 4000, 9, 8, 1):
            file.write_bytes(good[:cut])
            self.refused("model.safetensors: ", "info", folder)
        file.write_bytes(struct.pack("<Q", 1 << 62) + good[8:])
        self.refused("truncated", "info", folder)
        file.write_bytes(good.replace(b'"dtype": "F32", "shape": [300, 24]', b'"dtype": "F32", "shape": [300, -4]', 1))
        self.refused("damaged", "info", folder)
        file.write_bytes(good + bytes(4))  # the format allows no gap
        self.refused("it is damaged", "info", folder)
        file.write_bytes(good.replace(b'"model.layers.1.mlp.up_proj.weight"', b'"model.layers.0.mlp.up_proj.weight"', 1))  # one name twice
        self.refused("it is damaged", "info", folder)
        nan = bytearray(good)
        nan[-4:] = struct.pack("<f", float("nan"))
        file.write_bytes(nan)
        self.refused("is nan", "info", folder)
        (folder / "config.json").write_text("{")
        self.refused("config.json: ", "info", folder)
        (folder / "config.json").unlink()
        self.refused("needs the model's config.json", "info", file)


class Gguf(Foreign):
    def test_what_it_says_of_itself(self):
        model = w.random_model(1, 24, 40, 2, 6, 2, 300, 32, True)
        tokens = w.gguf_tokenizer(small_tokens())
        write_tokenizer_bin(small_tokens(), self.folder / "tok.bin")
        for said, want in (({"general.name": "Cats", "general.license": "mit", "general.author": "Zoë"}, {"name": "Cats", "licence": "mit", "authors": "Zoë"}),
                           ({"general.name": "absent"}, {}), ({"general.name": 5}, {}),
                           ({"general.name": "x" * 39 + "é"}, {"name": "x" * 39}), ({"general.name": "a\x1b[2J\nb"}, {"name": "a[2Jb"})):
            w.write_gguf(model, self.folder / "said.gguf", "F32", {**tokens, **said})
            self.assertEqual(self.metadata(self.folder / "said.gguf", self.folder / "tok.bin"), want)

    def test_the_shipped_model_and_its_tokenizer_from_each_type(self):
        model, tokens = w.read_legacy(TALES), w.read_tokenizer_bin(TALES_TOKENS)
        for kind in ("F32", "F16", "BF16", "Q8_0", "Q4_0"):
            with self.subTest(kind):
                file = self.folder / f"{kind}.gguf"
                stands_for = w.write_gguf(model, file, kind, w.gguf_tokenizer(tokens))
                w.write_legacy(stands_for, self.folder / "same.bin")
                self.assert_same_image(self.image(file), self.image(self.folder / "same.bin", TALES_TOKENS))
                if kind == "F32":
                    self.assertEqual(self.greedy(file), self.greedy(TALES))
                if kind == "Q8_0":
                    self.assertEqual(self.greedy(file)[:10], self.greedy(TALES)[:10])

    def test_blocks_of_256(self):
        model = w.random_model(3, 256, 512, 1, 4, 2, 300, 16, False)
        tokens = small_tokens()
        write_tokenizer_bin(tokens, self.folder / "tok.bin")
        for kind in ("Q4_K", "Q6_K"):
            with self.subTest(kind):
                file = self.folder / f"{kind}.gguf"
                stands_for = w.write_gguf(model, file, kind, w.gguf_tokenizer(tokens), alignment=64)
                error = max(abs(a - b) for a, b in zip(stands_for.tensors["w1.0"], model.tensors["w1.0"]))
                self.assertLess(error, {"Q4_K": 0.02, "Q6_K": 0.006}[kind], "the writer itself is wrong")
                w.write_legacy(stands_for, self.folder / "same.bin")
                self.assert_same_image(self.image(file), self.image(self.folder / "same.bin", self.folder / "tok.bin"))

    def small(self, path, **more):
        tokens = w.gguf_tokenizer(small_tokens())
        tokens.update(more.pop("metadata", {}))
        return w.write_gguf(w.random_model(2, 24, 40, 2, 6, 2, 300, 32, True), path, metadata=tokens, **more)

    def test_refuses_by_name_what_cannot_be_run(self):
        file = self.folder / "m.gguf"
        for part, metadata in (("architecture gemma", {"general.architecture": "gemma"}), ("8 experts", {"llama.expert_count": 8}),
                               ("scaling.type yarn", {"llama.rope.scaling.type": "yarn"}), ("scale_linear", {"llama.rope.scale_linear": 2.0}),
                               ("sliding-window", {"llama.attention.sliding_window": 128}), ("rotates 2 of 4", {"llama.rope.dimension_count": 2}),
                               ("key_length 8", {"llama.attention.key_length": 8}), ("value_length 8", {"llama.attention.value_length": 8}), ("lacks llama.context_length", {"llama.context_length": "absent"}),
                               ("dim 24 is not a multiple of n_heads 5", {"llama.attention.head_count": 5}), ("attn_norm.weight is missing", {"llama.block_count": 3}),
                               ("RoPE base is 0", {"llama.rope.freq_base": 0.0})):
            with self.subTest(part):
                self.small(file, metadata=metadata)
                self.refused(part, "info", file)
        for name, part in (("blk.0.attn_q.bias", "is a bias"), ("rope_freqs.weight", "RoPE scaling"), ("blk.0.attn_q_norm.weight", "normalises queries or keys"),
                           ("blk.1.ffn_gate_inp.weight", "mixture of experts"), ("blk.0.post_attention_norm.weight", "is not part of a Llama model")):
            with self.subTest(name):
                self.small(file, extra=[(name, [2], bytes(8))])
                self.refused(part, "info", file)
        self.small(file, extra=[("output.weight", [24, 300], bytes(4 * 24 * 300))] * 2)
        self.refused("holds tensor output.weight twice", "info", file)
        self.small(file, extra=[("output.weight", [300, 24], bytes(4 * 24 * 300))])
        self.refused("output.weight has another shape", "info", file)
        for part, metadata in (("kind t5 (SentencePiece unigram)", {"tokenizer.ggml.model": "t5"}), ("tokenizer is of kind bert", {"tokenizer.ggml.model": "bert"}), ("holds no tokenizer", {"tokenizer.ggml.tokens": "absent"}),
                               ("no token that begins a text", {"tokenizer.ggml.bos_token_id": "absent"}), ("names token 999", {"tokenizer.ggml.eos_token_id": 999}),
                               ("score of token 90 is nan", {"tokenizer.ggml.scores": ("f32", [0.0] * 90 + [float("nan")] + [0.0] * 209)})):
            with self.subTest(part):
                self.small(file, metadata=metadata)
                self.refused(part, "run", file)

    def test_damage_is_one_line(self):
        file = self.folder / "m.gguf"
        self.small(file)
        good = file.read_bytes()
        for cut in (len(good) - 200, 5000, 100, 20, 4):
            file.write_bytes(good[:cut])
            self.refused("m.gguf: ", "info", file)
        file.write_bytes(good.replace(struct.pack("<I", 3), struct.pack("<I", 1), 1))
        self.refused("GGUF version 1", "info", file)
        # A number of tokens that no file of this size can hold.
        at = good.index(b"tokenizer.ggml.tokens") + 21 + 8
        file.write_bytes(good[:at] + struct.pack("<Q", 1 << 60) + good[at + 8:])
        self.refused("truncated", "info", file)


class Tokenizers(Foreign):
    def setUp(self):
        super().setUp()
        self.tokens = w.read_tokenizer_bin(TALES_TOKENS)

    def sections(self, tokenizer):
        """(pieces, scores) in the packed image."""
        out = self.folder / "t.plm"
        done = self.command("pack", TALES, "-z", tokenizer, "--drafts", 0, "-o", out)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        data = out.read_bytes()
        at, = struct.unpack_from("<I", data, 60)
        vocab, _, scores, pieces, _, text, _, flags = struct.unpack_from("<8I", data, at)
        self.assertEqual(flags, 0)
        starts = struct.unpack_from(f"<{vocab + 1}I", data, at + pieces)
        return ([data[at + text + a:at + text + b] for a, b in zip(starts, starts[1:])],
                struct.unpack_from(f"<{vocab}f", data, at + scores))

    def test_sentencepiece_is_the_same_tokenizer(self):
        w.write_sentencepiece(self.tokens, self.folder / "tokenizer.model")
        self.assertEqual(self.sections(self.folder / "tokenizer.model"), self.sections(TALES_TOKENS))

    def test_tokenizer_json_merges_in_the_same_order(self):
        pieces, scores = self.sections(TALES_TOKENS)
        for pairs in (False, True):
            file = self.folder / f"tokenizer{pairs}.json"
            w.write_tokenizer_json(self.tokens, file, pairs)
            same_pieces, ranks = self.sections(file)
            self.assertEqual(same_pieces, pieces)
            # What two pieces can make must come in the order of the scores: then every text merges alike.
            made = [i for i in range(259, len(pieces)) if len(pieces[i].decode()) > 1]
            self.assertEqual(sorted(made, key=lambda i: -ranks[i]), sorted(made, key=lambda i: -scores[i]))

    def test_other_ids_are_renumbered_with_their_rows(self):
        """Byte tokens at the end, BOS at 0: the model's rows move with them, and the story is the same."""
        order = list(range(259, len(self.tokens))) + [1, 2, 0] + list(range(3, 259))
        w.write_tokenizer_json(self.tokens, self.folder / "tokenizer.json", order=order)
        model = w.read_legacy(TALES)

        def moved(name, rows, columns, values):
            if name != "token_embedding":
                return values
            out = array("f")
            for i in order:
                out += values[i * columns:(i + 1) * columns]
            return out

        w.write_hf_folder(model.mapped(moved), self.folder)
        done = self.command("run", self.folder, "-t", 0, "-n", 60, "-i", "One day")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertEqual(done.stdout, self.command("run", TALES, "-t", 0, "-n", 60, "-i", "One day").stdout)

    def test_byte_level_bpe(self):
        """GPT-2's kind: bytes as letters, no space in front, no <unk>."""
        letters = prompts.byte_letters()
        spell = lambda text: "".join(letters[b] for b in text.encode())  # noqa: E731
        as_letters = [(spell("t"), spell("h")), (spell("th"), spell("e")), (spell(" "), spell("the")), ("Ã", "©")]
        vocab = {letters[b]: b for b in range(256)}
        for a, b in as_letters:
            vocab[a + b] = len(vocab)
        vocab["<|endoftext|>"] = len(vocab)
        end = vocab["<|endoftext|>"]
        file = {"added_tokens": [{"id": end, "content": "<|endoftext|>", "special": True}],
                "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False},
                "decoder": {"type": "ByteLevel"},
                "model": {"type": "BPE", "vocab": vocab, "merges": [f"{a} {b}" for a, b in as_letters]}}
        w.write_hf_folder(w.random_model(5, 24, 40, 1, 2, 2, len(vocab), 64, True), self.folder)
        (self.folder / "tokenizer.json").write_text(json.dumps(file))
        done = self.command("run", self.folder, "-n", 12, "-t", 0, "--json", "-i", "the theé\n")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        got = json.loads(done.stdout)
        names = {1: "<|endoftext|>"}
        # The engine's numbers: BOS is 1, byte b is b + 3, the others keep their order where there is room.
        rest = [i for i in range(len(vocab)) if i >= 256 and i != end]
        places = [0, 2] + list(range(259, len(vocab)))
        for place, token in zip(places, rest):
            names[place] = next(k for k, v in vocab.items() if v == token)
        for b in range(256):
            names[b + 3] = letters[b]
        self.assertEqual([names[t] for t in got["prompt_tokens"]],
                         ["<|endoftext|>", "the", spell(" the"), "Ã©", spell("\n")])
        self.assertTrue(got["text"].startswith("the theé\n"), got["text"])

    def test_small_vocabularies_without_bytes(self):
        letters = [b"<unk>", b"\n<s>\n", b"\n</s>\n"] + [bytes([c]) for c in b" abcdefgh"] + [b"ab"]
        tokens = [(-float(i), piece) for i, piece in enumerate(letters)]
        write_tokenizer_bin(tokens, self.folder / "tok.bin")
        w.write_legacy(w.random_model(6, 8, 16, 1, 2, 2, len(letters), 32, True), self.folder / "m.bin")
        done = self.command("run", self.folder / "m.bin", "-z", self.folder / "tok.bin", "-n", 8, "-t", 0, "--json", "-i", "abc Zé")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertEqual(json.loads(done.stdout)["prompt_tokens"], [1, 3, 12, 6, 3, 0, 0, 0])

    def test_refuses_by_name_what_cannot_be_run(self):
        model, text = self.folder / "tokenizer.model", self.folder / "tokenizer.json"
        w.write_sentencepiece(self.tokens, model, model_type=1)
        self.refused("is a SentencePiece model of type unigram; only BPE, which Llama models have, can be run: train the tokenizer with "
                     "--model_type=bpe, and the model with it", "run", TALES, "-z", model)
        w.write_sentencepiece(self.tokens[:300], model)
        self.refused("has 300 tokens, and the model's vocabulary is 512", "run", TALES, "-z", model)
        good = model.read_bytes()
        for cut in (len(good) - 1, 1000, 6):
            model.write_bytes(good[:cut])
            self.refused("SentencePiece", "run", TALES, "-z", model)
        for part, file in (("type WordPiece", {"model": {"type": "WordPiece", "vocab": {}}}), ("type Unigram", {"model": {"type": "Unigram", "vocab": []}}),
                           ("no tokenizer.json", {"a": 1}), ("no token has the id 0", {"model": {"type": "BPE", "vocab": {"a": 1}, "merges": []}}),
                           ("has no merges", {"model": {"type": "BPE", "vocab": {"a": 0}}}), ("end_of_word_suffix", {"model": {"type": "BPE", "vocab": {}, "merges": [], "end_of_word_suffix": "</w>"}}),
                           ("has no usable id", {"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}),
                           ("no token that begins a text", {"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}})):
            with self.subTest(part):
                text.write_text(json.dumps(file))
                self.refused(part, "run", TALES, "-z", text)
        text.write_text('{"model": ')
        self.refused("incomplete JSON", "run", TALES, "-z", text)


class EndToken(Foreign):
    def test_eos_ends_a_story_silently(self):
        """A model that always makes token 2: nothing but the prompt is told, and it stops by itself."""
        model = w.random_model(7, 8, 16, 1, 2, 2, 300, 32, False)
        for name, rows, columns in model.shapes():
            if name == "wcls":  # the logit of token 2 is the norm of x, the others 0
                model.tensors[name] = array("f", (0.0,) * (rows * columns))
            if name.startswith(("wo", "w2")):
                model.tensors[name] = array("f", (0.0,) * (rows * columns))
            if name == "token_embedding":
                model.tensors[name] = array("f", (1.0,) * (rows * columns))
        model.tensors["wcls"][2 * model.dim:3 * model.dim] = array("f", (1.0,) * model.dim)
        w.write_legacy(model, self.folder / "m.bin")
        tokens = small_tokens()
        for name, silent in ((b"\n</s>\n", True), (b"</s>", True), (b"letter", False)):
            tokens[2] = (0.0, name)
            write_tokenizer_bin(tokens, self.folder / "tok.bin")
            done = self.command("run", self.folder / "m.bin", "-z", self.folder / "tok.bin", "-t", 0, "--json", "-i", "the")
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            got = json.loads(done.stdout)
            if silent:
                self.assertEqual((got["text"], got["tokens"][-1]), ("the", 2))
            else:
                self.assertTrue(got["text"].startswith("theletterletter"), got["text"])


if __name__ == "__main__":
    unittest.main()
