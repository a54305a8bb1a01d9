#!/usr/bin/env python3
"""Models and tokenizers of other programs through the command: foreign_models_test.py PICO_LLAMA [unittest options].

The writers are write_models.py's. A file that stands for certain numbers must pack into the very image that a
llama2.c checkpoint of these numbers packs into; only the image's record of where it came from may differ.
"""
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import unittest
from array import array

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import write_models as w  # noqa: E402

COMMAND = sys.argv.pop(1)
ROOT = pathlib.Path(__file__).resolve().parents[2]
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
        """(provenance-free header, body) of the packed image."""
        out = self.folder / "image.plm"
        more = ["-z", tokenizer] if tokenizer else []
        done = self.command("pack", model, *more, "--profile", profile, "-o", out)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        data = out.read_bytes()
        return data[:12] + data[16:80], data[144:]

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
                              ("head_dim 8", {"head_dim": 8}), ("quantization_config", {"quantization_config": {"bits": 4}}),
                              ("hidden_size is missing", {"hidden_size": "absent"}), ("hidden_size is not an integer", {"hidden_size": "24"}),
                              ("dim is 99999999", {"hidden_size": 99999999}), ("another shape", {"hidden_size": 12}),
                              ("layers.2.input_layernorm.weight is missing", {"num_hidden_layers": 3})):
            with self.subTest(part):
                w.write_hf_folder(model, self.folder / "m", **changes)
                self.refused(part, "info", self.folder / "m")
        for name, part in (("model.layers.0.self_attn.q_proj.bias", "is a bias"), ("model.layers.1.self_attn.q_norm.weight", "normalises queries or keys"),
                           ("model.layers.0.mlp.experts.0.weight", "is not part of a Llama model")):
            with self.subTest(name):
                w.write_hf_folder(model, self.folder / "m", extra={name: ("F32", [4], bytes(16))})
                self.refused(part, "info", self.folder / "m")
        w.write_hf_folder(model, self.folder / "m", extra={"model.norm.weight": ("I64", [24], bytes(192))})
        self.refused("is of type I64", "info", self.folder / "m")

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
        nan = bytearray(good)
        nan[-4:] = struct.pack("<f", float("nan"))
        file.write_bytes(nan)
        self.refused("is nan", "info", folder)
        (folder / "config.json").write_text("{")
        self.refused("config.json: ", "info", folder)
        (folder / "config.json").unlink()
        self.refused("needs the model's config.json", "info", file)


class Gguf(Foreign):
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
                               ("key_length 8", {"llama.attention.key_length": 8}), ("lacks llama.context_length", {"llama.context_length": "absent"}),
                               ("dim 24 is not a multiple of n_heads 5", {"llama.attention.head_count": 5}), ("attn_norm.weight is missing", {"llama.block_count": 3}),
                               ("RoPE base is 0", {"llama.rope.freq_base": 0.0})):
            with self.subTest(part):
                self.small(file, metadata=metadata)
                self.refused(part, "info", file)
        for name, part in (("blk.0.attn_q.bias", "is a bias"), ("rope_freqs.weight", "RoPE scaling"), ("blk.0.attn_q_norm.weight", "is no part")):
            with self.subTest(name):
                self.small(file, extra=[(name, [2], bytes(8))])
                self.refused(part, "info", file)
        for part, metadata in (("tokenizer is of kind bert", {"tokenizer.ggml.model": "bert"}), ("holds no tokenizer", {"tokenizer.ggml.tokens": "absent"}),
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
        done = self.command("pack", TALES, "-z", tokenizer, "-o", out)
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

    def encode(self, tokenizer, prompt):
        done = self.command("run", TALES, "-z", tokenizer, "-n", 1, "-t", 0, "--json", "-i", prompt)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return json.loads(done.stdout)["prompt_tokens"]

    def test_tokenizer_json_merges_in_the_same_order(self):
        pieces, scores = self.sections(TALES_TOKENS)
        r = random.Random(4)
        parts = [p.decode() for p in pieces[259:]] + ["🐢", "漢字", "  ", "\t", "\n", "é", "\x01", "Żółw", "don't", "12"]
        prompts = ["".join(r.choice(parts) for _ in range(r.randrange(1, 40))) for _ in range(25)]
        expected = [self.encode(TALES_TOKENS, prompt) for prompt in prompts]
        for pairs in (False, True):
            file = self.folder / f"tokenizer{pairs}.json"
            w.write_tokenizer_json(self.tokens, file, pairs)
            same_pieces, ranks = self.sections(file)
            self.assertEqual(same_pieces, pieces)
            # What two pieces can make must come in the order of the scores: then every text merges alike.
            made = [i for i in range(259, len(pieces)) if len(pieces[i].decode()) > 1]
            self.assertEqual(sorted(made, key=lambda i: -ranks[i]), sorted(made, key=lambda i: -scores[i]))
            self.assertEqual([self.encode(file, prompt) for prompt in prompts], expected)

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
        letters, extra = {}, 256
        for b in range(256):
            printable = 33 <= b <= 126 or 161 <= b <= 172 or b >= 174
            letters[b] = chr(b) if printable else chr(extra)
            extra += not printable
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
        self.refused("SentencePiece model of type unigram", "run", TALES, "-z", model)
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
