#!/usr/bin/env python3
"""`pico-llama train` as people use it: train_command_test.py PICO_LLAMA [unittest options]."""
import pathlib
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import unittest

COMMAND = sys.argv.pop(1)
SMALL = "--dim 16 --layers 1 --hidden 32 --heads 2 --kv-heads 2 --seq 64 --vocab 290 --batch-tokens 256 --warmup 1 --threads 1".split()


class Train(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        r = random.Random(1)
        words = "the cat dog sat ran big red ball park tree".split()
        self.stories = [" ".join(r.choice(words) for _ in range(20)).capitalize() + "." for _ in range(120)]
        self.text = self.folder / "t.txt"
        self.text.write_text("\n\n".join(self.stories) + "\n")

    def train(self, *arguments):
        return subprocess.run([COMMAND, "train", *map(str, arguments)], capture_output=True, text=True, errors="replace",
                              timeout=300)

    def model(self, name):
        return (self.folder / f"{name}.bin").read_bytes()

    def out(self, name):
        return ["-o", self.folder / name]

    def good(self, *arguments):
        done = self.train(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def test_any_writing_of_the_text_gives_the_same_model(self):
        self.good(self.text, *self.out("lf"), *SMALL, "--steps", 2)
        for name, data in (("crlf", "\r\n\r\n".join(self.stories)), ("cr", "\r \t\r".join(self.stories)), ("bom", "\ufeff" + "\n\n\n".join(self.stories)),
                           ("marked", "\n<|endoftext|>\n".join(self.stories)), ("lines", "\n".join(self.stories)),
                           ("json", "\n".join('{"id": 1, "text": "%s"}' % s for s in self.stories))):
            with self.subTest(name):
                (self.folder / name).write_bytes(data.encode())
                done = self.good(self.folder / name, *self.out("m-" + name), *SMALL, "--steps", 2)
                self.assertEqual(self.model("m-" + name), self.model("lf"))
                self.assertRegex(done.stderr, r"^120 stories \(.*\), median \d+ bytes\n")
                self.assertNotIn("warning", done.stderr)

    def test_resume_alone_is_enough(self):
        self.good(self.text, *self.out("whole"), *SMALL, "--steps", 6, "--seed", 5)
        self.good(self.text, *self.out("half"), *SMALL, "--steps", 6, "--seed", 5, "--stop-after", 3)
        self.assertNotEqual(self.model("half"), self.model("whole"))
        for option, value, had in (("--dim", "32", "16"), ("--steps", "7", "6"), ("--seed", "6", "5"), ("--qat", "q8", "none")):
            done = self.train("--resume", *self.out("half"), option, value)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertRegex(done.stderr, rf"^pico-llama: {option} {value} conflicts with .*half.state, which has {had}; omit the option\n$")
        self.good("--resume", *self.out("half"))
        self.assertEqual(self.model("half"), self.model("whole"))

    def test_start_takes_shape_and_tokenizer(self):
        first = self.good(self.text, *self.out("first"), *SMALL, "--steps", 40, "--learning-rate", "1e-2")
        more = "--steps 1 --learning-rate 1e-9 --batch-tokens 256 --warmup 1 --threads 1".split()
        second = self.good(self.text, *self.out("second"), "--start", self.folder / "first.bin", *more)
        loss = lambda done: float(re.search(r"held-out loss ([0-9.]+)", done.stdout)[1])  # noqa: E731
        self.assertAlmostEqual(loss(second), loss(first), places=3)
        self.assertEqual((self.folder / "second.tok.bin").read_bytes(), (self.folder / "first.tok.bin").read_bytes())
        done = self.train(self.text, *self.out("third"), "--start", self.folder / "first.bin", "--dim", 32)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--dim 32 conflicts with", done.stderr)
        (self.folder / "first.tok.bin").rename(self.folder / "elsewhere")
        done = self.train(self.text, *self.out("third"), "--start", self.folder / "first.bin", *more)
        self.assertEqual(done.returncode, 1)
        self.assertIn("needs its tokenizer", done.stderr)

    def test_ctrl_c_saves(self):
        arguments = [self.text, *self.out("m"), *SMALL, "--steps", "100000", "--sample-every", "5"]
        run = subprocess.Popen([COMMAND, "train", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        run.stdout.readline()
        run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 130, errors)
        self.assertRegex(errors, r"stopped after step \d+; go on with: pico-llama train --resume -o ")
        done = self.train("--resume", *self.out("m"), "--stop-after", 1)
        self.assertRegex(done.stderr, r"going on after step \d+")

    def test_a_small_text_gets_fewer_steps_and_says_so(self):
        options = [o for o in SMALL]
        done = self.good(self.text, *self.out("m"), *options, "--stop-after", 1)
        steps, passes = re.search(r"(\d+) steps of 256 tokens: ([0-9.e+]+) passes", done.stderr).groups()
        self.assertLess(int(steps), 5000)
        self.assertLessEqual(float(passes), 20)
        self.assertNotIn("held-out", done.stderr, "not measured before the end")
        self.assertRegex(done.stderr, r"\nabout \d+:\d\d to go at \d+ tokens/s\n")

    def test_steps_that_were_asked_for_are_made(self):
        done = self.good(self.text, *self.out("m"), *SMALL, "--steps", 2000, "--stop-after", 1)
        self.assertRegex(done.stderr, r"\n2000 steps of 256 tokens: [0-9.e+]+ passes over the text\n")

    def test_a_full_disk(self):
        """Files of 16 kB at most: the tokenizer fits, the first checkpoint does not."""
        def limit(size):
            return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        def full(size, *arguments):
            done = subprocess.run([COMMAND, "train", *map(str, arguments)], capture_output=True, text=True, errors="replace", timeout=300,
                                  preexec_fn=limit(size))
            self.assertEqual(done.returncode, 1, done.stderr)
            return done.stderr.splitlines()[-1]

        last = full(16384, self.text, *self.out("m"), *SMALL, "--steps", 2)
        self.assertRegex(last, r"^pico-llama: .*/m\.state: cannot be written: File too large; raise the limit on file sizes \(ulimit -f\) or choose "
                               r"another place \(there is no checkpoint yet: then start again\)$")
        self.assertEqual(sorted(path.name for path in self.folder.glob("m.*")), ["m.metadata.json", "m.tok.bin"])
        self.good(self.text, *self.out("m"), *SMALL, "--steps", 4, "--stop-after", 2)
        good = {path: path.read_bytes() for path in self.folder.glob("m.*")}
        last = full(16384, "--resume", *self.out("m"))
        self.assertIn("(then --resume goes on from the last checkpoint, which is whole)", last)
        self.assertEqual({path: path.read_bytes() for path in self.folder.glob("m.*")}, good)
        self.good("--resume", *self.out("m"))

    def test_warns(self):
        (self.folder / "one.txt").write_text("word " * 4000)
        done = self.good(self.folder / "one.txt", *self.out("one"), *SMALL[:-10], "--vocab", 268, "--batch-tokens", 256, "--warmup", 1, "--threads", 1, "--seq", 64, "--steps", 1)
        self.assertIn("warning: the whole text is one story", done.stderr)
        (self.folder / "marks.txt").write_text("\n\n***\n\n".join(self.stories))
        done = self.good(self.folder / "marks.txt", *self.out("marks"), *SMALL, "--steps", 1)
        self.assertIn("warning: the line *** stands 119 times", done.stderr)
        (self.folder / "utf16.txt").write_bytes("Once upon a time.".encode("utf-16"))
        done = self.train(self.folder / "utf16.txt", *self.out("x"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("is UTF-16 text", done.stderr)


if __name__ == "__main__":
    unittest.main()
