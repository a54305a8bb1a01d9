#!/usr/bin/env python3
"""scripts/get-models.sh against a server on this machine, which breaks off, lies and refuses as real ones do.

The script runs in a tree of its own, with the sum of a file that the test made up in place of tokenizer.bin's.
"""
import hashlib
import http.server
import os
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
import threading
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/get-models.sh"
NAME = "tokenizer.bin"
PUBLISHED = "50a52ef822ee9e83de5ce9d0be0a025a773d019437f58b5ff9dcafb063ece361"
CONTENT = random.Random(13).randbytes(433869)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves server.files by path; server.break_after: bytes sent before the connection ends; server.ranges: whether a
    download can be resumed. server.asked: (path, first byte asked for) of each request."""

    def do_GET(self):
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        first = int(wanted[1]) if wanted else 0
        self.server.asked.append((self.path, first))
        data = self.server.files.get(self.path)
        if data is None:
            return self.send_error(404)
        if first and not self.server.ranges:
            first = 0
        elif first >= len(data):
            return self.send_error(416)
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        self.wfile.write(data[first:][:self.server.break_after])

    def log_message(self, *_):
        pass


@unittest.skipUnless(shutil.which("curl"), "curl is missing")
class GetModels(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name) / "tree"
        (self.folder / "scripts").mkdir(parents=True)
        self.models = self.folder / "models"
        text = SCRIPT.read_text()
        self.assertEqual(text.count(PUBLISHED), 1)
        self.script = self.folder / "scripts/get-models.sh"
        self.script.write_text(text.replace(PUBLISHED, hashlib.sha256(CONTENT).hexdigest()))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.files, self.server.break_after, self.server.ranges, self.server.asked = {"/" + NAME: CONTENT}, None, True, []
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def get(self, *names, url=None):
        environment = {k: v for k, v in os.environ.items() if k != "PICO_LLAMA_MODELS" and not k.lower().endswith("_proxy")}
        environment["PICO_LLAMA_MODELS_URL"] = url or f"http://127.0.0.1:{self.server.server_port}"
        return subprocess.run(["bash", self.script, *(names or [NAME])], env=environment, capture_output=True, text=True, timeout=120)

    def good(self, *names):
        done = self.get(*names)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, f"{self.models.resolve()}\n")
        self.assertEqual((self.models / NAME).read_bytes(), CONTENT)
        self.assertFalse((self.models / f"{NAME}.part").exists())
        return done

    def refused(self, sentence, *names, url=None):
        done = self.get(*names, url=url)
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        last = done.stderr.splitlines()[-1]
        self.assertRegex(last, sentence)
        self.assertFalse((self.models / NAME).exists())

    def test_whole_download_then_found(self):
        self.good()
        self.assertEqual(self.server.asked, [("/" + NAME, 0)])
        self.assertEqual(self.good().stderr, "")
        self.assertEqual(len(self.server.asked), 1)

    def test_several_files_each_from_its_place(self):
        model = b"a model"
        text = self.script.read_text()
        sum_of_15m = re.search(r"^stories15M\.bin +(\w+)", text, re.M)[1]
        self.script.write_text(text.replace(sum_of_15m, hashlib.sha256(model).hexdigest()))
        self.server.files["/stories15M.bin"] = model
        self.good("stories15M.bin", NAME)
        self.assertEqual((self.models / "stories15M.bin").read_bytes(), model)

    def test_resumed_after_a_break(self):
        self.server.break_after = 100_000
        self.refused(r"tokenizer.bin: the download broke off \(curl error \d+\); run this again to resume it$")
        self.assertEqual((self.models / f"{NAME}.part").stat().st_size, 100_000)
        self.server.break_after = None
        self.good()
        self.assertEqual(self.server.asked, [("/" + NAME, 0), ("/" + NAME, 100_000)])

    def test_a_server_that_cannot_resume_sends_all_again(self):
        self.models.mkdir()
        (self.models / f"{NAME}.part").write_bytes(CONTENT[:1000])
        self.server.ranges = False
        self.good()
        self.assertEqual(self.server.asked[-1], ("/" + NAME, 0))

    def test_a_part_of_another_file_is_not_kept(self):
        self.models.mkdir()
        for part in (b"x" * 1000, b"x" * len(CONTENT), b"x" * (len(CONTENT) + 1)):
            with self.subTest(len(part)):
                (self.models / NAME).unlink(missing_ok=True)
                (self.models / f"{NAME}.part").write_bytes(part)
                self.good()

    def test_a_whole_part_is_used_without_the_network(self):
        self.models.mkdir()
        (self.models / f"{NAME}.part").write_bytes(CONTENT)
        self.good()
        self.assertEqual(self.server.asked, [])

    def test_a_wrong_sum_is_refused_and_nothing_kept(self):
        self.server.files["/" + NAME] = CONTENT[:-1] + b"!"
        self.refused(r"/tokenizer.bin sends something else than the published file \(its sha256 differs\); put the right one into models/$")
        self.assertEqual(list(self.models.iterdir()), [])
        self.assertEqual(len(self.server.asked), 1)

    def test_a_file_that_the_server_lacks(self):
        del self.server.files["/" + NAME]
        self.refused(r"/tokenizer.bin answers with HTTP status 404; try again later, or put the file into models/$")

    def test_no_space_left(self):
        """The partial download on /dev/full: each write to it fails with ENOSPC."""
        self.models.mkdir()
        (self.models / f"{NAME}.part").symlink_to("/dev/full")
        self.refused(r"^get-models: tokenizer.bin: models/ cannot be written \(no space left\?\); free some space and run this again")

    def test_nobody_answers(self):
        port = self.server.server_port
        self.server.shutdown()
        self.server.server_close()
        self.refused(r"not here, and http://127.0.0.1:\d+/tokenizer.bin cannot be reached; check the network, or put the file into models/$",
                     url=f"http://127.0.0.1:{port}")

    def test_a_name_that_nobody_knows(self):
        self.refused(r"^get-models: nothing.bin: .* no model this script knows; put it into models/$", "nothing.bin")

    def test_the_published_places(self):
        """Without a mirror the addresses are the publishers': the script says which before it downloads."""
        text = SCRIPT.read_text()
        self.assertRegex(text, r"\nllama2c=https://\S+/karpathy/llama2\.c/[0-9a-f]{40}\n")
        self.assertRegex(text, rf"\ntokenizer\.bin +{PUBLISHED} \$llama2c tokenizer\.bin\n")


if __name__ == "__main__":
    unittest.main()
