"""Prompts of every kind, and encoders to compare with: llama2.c's and GPT-2's algorithms as they are published, with
nothing but Python's standard library."""
import random
import re

SENTENCES = """Once upon a time, there was a little girl named Lily. She loved to play outside in the park.
"Can I have it?" asked Tom. His mom said, "No, you can't!" So he didn't.
The old man counted: 1, 2, 3... 1024! Then it was 12:30, or 7.5 degrees (about 45 °F).
One day, a big, red ball rolled down the hill and into the river - splash! Everybody laughed.
Żółw i zając biegły przez łąkę. Élodie aime les crêpes; Jürgen trinkt Öl? Ñandú, naïve, coöperate.""".splitlines()
KINDS = {
    "emoji": ["🐢", "🎈", "👩‍👩‍👧‍👦", "👍🏽", "🇵🇱", "❤️", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🫠", "☃"],
    "CJK": list("漢字仮名かなカナ龜한국어㍿，。「」") + ["昔々ある所に"],
    "other scripts": ["Привет", "שלום", "مرحبا", "नमस्ते", "สวัสดี", "ελληνικά", "é", "e\u0301", "ﬁ", "½", "𝔘", "𐍈", "ǅ"],
    "blanks": [" ", "  ", " " * 7, "\t", "\n", "\r\n", "\n\n", "\u00a0", "\u3000", "\u2009", "\u2028", "\u200b", "\ufeff", "▁"],
    "control": [chr(c) for c in (0, 1, 7, 8, 11, 12, 27, 31, 127, 128, 0x85, 0x9f)] + ["\x1b[31m", "\u202e", "\ufffd", "\U0010ffff"],
    "like tokens": ["<s>", "</s>", "<unk>", "<0x41>", "<0x0A>", "<|endoftext|>", "\n<s>\n", "##", "Ġ", "Ã©"],
    "numbers": ["0", "12", "007", "3.14", "1,000,000", "1e-9", "-5"],
}


def of_every_kind(count, pieces, seed=13):
    """`count` prompts: a tenth are sentences or parts of them, the others mix pieces of a tokenizer, words and the kinds
    above; the empty prompt, each single character of the kinds and each kind repeated are among them."""
    r = random.Random(seed)
    words = sorted(set(re.findall(r"\S+", " ".join(SENTENCES))))
    texts = ["", *SENTENCES] + [part for parts in KINDS.values() for part in parts] + ["".join(parts) for parts in KINDS.values()]
    while len(texts) < count // 5:
        sentence = r.choice(SENTENCES)
        cut = r.randrange(len(sentence))
        texts.append(r.choice((sentence[:cut], sentence[cut:])))
    sources = [pieces, words, [" " + word for word in words], *KINDS.values()]
    while len(texts) < count:
        mine = r.sample(sources, r.randrange(1, 4))
        texts.append("".join(r.choice(r.choice(mine)) for _ in range(r.randrange(1, 25))))
    assert len(texts) == count
    return texts


def merged(tokens, best_of):
    """Joins neighbours until best_of(left, right), a key with the lowest first, is None for each pair."""
    while True:
        best = min(((key, i) for i, key in enumerate(map(best_of, tokens, tokens[1:])) if key is not None), default=None)
        if best is None:
            return tokens
        at = best[1]
        tokens[at:at + 2] = [tokens[at] + tokens[at + 1]]


def llama2c_encode(tokens, texts):
    """Ids as llama2.c's encode() makes them: BOS, a space in front, characters or their bytes, then the neighbours whose
    piece has the highest score, the leftmost of equals. tokens: [(score, piece)]."""
    ids = {}
    for i, (_, piece) in enumerate(tokens):
        ids.setdefault(piece, i)
    # A byte without a piece of its own is no text that could merge: it is a number here.
    key = lambda left, right: None if isinstance(left, int) or isinstance(right, int) or left + right not in ids else -tokens[ids[left + right]][0]  # noqa: E731

    def encode(text):
        parts = [b" "] if text else []
        for character in text:
            raw = character.encode()
            parts += [raw] if raw in ids else [byte + 3 for byte in raw]
        return [1] + [part if isinstance(part, int) else ids[part] for part in merged(parts, key)]

    return [encode(text) for text in texts]


# ---- byte-level BPE. A piece is a tuple of bytes.

def words_of(text):
    """The parts that GPT-2's pre-tokenizer splits a text into: a blank belongs to the word that follows it."""
    return re.findall(r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+", text)


def train_byte_level(count):
    """The `count` merges that byte-pair encoding learns from the sentences above."""
    words = [[(b,) for b in word.encode()] for sentence in SENTENCES for word in words_of(sentence)]
    merges = []
    while len(merges) < count:
        uses = {}
        for word in words:
            for pair in zip(word, word[1:]):
                uses[pair] = uses.get(pair, 0) + 1
        pair = max(uses, key=lambda p: (uses[p], p))
        merges.append(pair)
        for word in words:
            at = 0
            while at + 1 < len(word):
                if (word[at], word[at + 1]) == pair:
                    word[at:at + 2] = [pair[0] + pair[1]]
                at += 1
    return merges


def byte_letters():
    """GPT-2's letter for each byte: itself where it is printable, else the next character from 256 on."""
    letter, extra = {}, 256
    for b in range(256):
        printable = 33 <= b <= 126 or 161 <= b <= 172 or b >= 174
        letter[b] = chr(b) if printable else chr(extra)
        extra += not printable
    return letter


def byte_level_vocabulary(merges):
    """(pieces: the bytes, then the merges' results; how a piece is spelt with a letter for each byte)."""
    letter = byte_letters()
    pieces = [(b,) for b in range(256)] + [a + b for a, b in merges]
    return list(dict.fromkeys(pieces)), lambda piece: "".join(letter[b] for b in piece)


def byte_level_encode(merges, text, whole_characters=False):
    """Pieces of a text: the pair that was learnt first merges first. No pre-tokenizer: the merges alone decide.
    whole_characters: a character that is a piece is one from the start, as in llama2.c's encode()."""
    rank = {}
    for i, pair in enumerate(merges):
        rank.setdefault(pair, i)
    pieces = {a + b for a, b in merges} if whole_characters else ()
    start = []
    for character in text:
        raw = tuple(character.encode())
        start += [raw] if raw in pieces else [(b,) for b in raw]
    return merged(start, lambda left, right: rank.get((left, right)))
