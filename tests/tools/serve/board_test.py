"""`pico-llama serve` with the real firmware on the virtual board, for Python and for npm's openai client."""
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from labels import long
from served import Served, told_by_run
from virtual_board import FIRMWARE, PICO_TALES, ROOT, Missing, Packer, Running, built

OPENAI = ROOT / ".deps/npm/node_modules/openai"


class ServedBoard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        packer = Packer(cls.folder.name)
        cls.images = built(FIRMWARE), packer.cartridge(packer.pack("q8", *PICO_TALES))

    def board(self, *arguments):
        return Served("--simulate", *self.images, *arguments)

    def simulators(self, server):
        """Process ids of the virtual boards that it runs."""
        children = pathlib.Path(f"/proc/{server.process.pid}/task").glob("*/children")
        return [int(pid) for file in children for pid in file.read_text().split()]

    def begun(self, server, **fields):
        """A socket on which a streamed story has begun."""
        body = json.dumps({"stream": True, **fields}).encode()
        raw = socket.create_connection(("127.0.0.1", server.port), timeout=300)
        raw.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        came = b""
        while b"data: " not in came:
            came += raw.recv(65536)
        return raw

    def test_stories(self):
        """The same as a PC's in q8, whole and streamed; what the board refuses; a client that leaves."""
        with self.board() as server:
            for prompt, fields, flags in (("Once upon a time", {"temperature": 0, "max_tokens": 40}, {"temperature": 0}),
                                          ("One\nday\t", {"seed": 4000000000, "max_tokens": 25}, {"seed": 4000000000})):
                text = told_by_run(prompt, profile="q8", **flags)[0]
                status, answer = server.complete(prompt=prompt, **fields)
                self.assertEqual(status, 200, answer)
                self.assertTrue(text.startswith(answer["choices"][0]["text"]) and len(answer["choices"][0]["text"]) > 20, answer)
                self.assertEqual(answer["usage"]["completion_tokens"], fields["max_tokens"])
                *pieces, last, _ = server.stream(prompt=prompt, **fields)
                self.assertEqual("".join(piece["choices"][0]["text"] for piece in pieces), answer["choices"][0]["text"])
            stopped = server.complete(prompt="Once upon a time", temperature=0, stop=["named", "never"])[1]
            self.assertEqual(stopped["choices"][0]["text"], told_by_run("Once upon a time", profile="q8", temperature=0)[0].split("named")[0])
            for prompt in ("x" * 900, "x" * 3000):
                status, answer = server.complete(prompt=prompt)
                self.assertEqual((status, answer["error"]["type"]), (400, "invalid_request_error"))
            raw = self.begun(server, prompt="Once")
            self.assertEqual(server.metrics()["pico_llama_telling"], 1)
            raw.close()
            server.wait_for(lambda figures: figures["pico_llama_stories_cancelled_total"] == 1 and not figures["pico_llama_telling"],
                            "the story of a client that went away goes on")
            self.assertEqual(server.complete(prompt="Once", max_tokens=2)[0], 200)

    def test_a_board_that_goes_away_comes_back(self):
        with self.board() as server:
            raw = self.begun(server, prompt="Once", temperature=0)
            simulator, = self.simulators(server)
            os.kill(simulator, signal.SIGKILL)
            rest = b""
            while part := raw.recv(65536):
                rest += part
            raw.close()
            # What was sent cannot be taken back: an error event, and no [DONE].
            self.assertIn(b'"error"', rest)
            self.assertNotIn(b"[DONE]", rest)
            server.wait_for(lambda figures: figures["pico_llama_available"] == 1, "the virtual board is not started again")
            self.assertNotEqual(self.simulators(server), [simulator])
            self.assertEqual(server.complete(prompt="Once", max_tokens=2)[0], 200)
            self.assertEqual(server.metrics()["pico_llama_stories_failed_total"], 1)

    def test_no_board(self):
        with Served("/dev/ttyACM99") as server:
            status, headers, body = server.request("GET", "/health")
            self.assertEqual((status, json.loads(body)["status"]), (503, "unavailable"))
            status, headers, body = server.request("POST", "/v1/completions", {"prompt": "Once"})
            self.assertEqual((status, json.loads(body)["error"]["code"], headers["Retry-After"]), (503, "board_unavailable", "2"))
            self.assertIn("is the board plugged in?", json.loads(body)["error"]["message"])
        running = Running(*self.images)
        with running as board, Served(board.device) as server:
            self.assertEqual(server.complete(prompt="Once", max_tokens=2)[0], 200)

    def test_openai_client(self):
        node = shutil.which("node")
        if node is None or not OPENAI.exists():
            raise Missing("npm's openai client is not here; run scripts/setup.sh --tests")
        with self.board() as server:
            run = subprocess.run([node, ROOT / "tests/tools/serve/openai_client.mjs", OPENAI / "index.mjs", server.url + "/v1"],
                                 capture_output=True, text=True, timeout=500)
            self.assertEqual((run.returncode, run.stderr), (0, ""), run.stdout)
            said = json.loads(run.stdout)
            self.assertEqual(said["streamed"], told_by_run("Once upon a time", profile="q8", temperature=0)[0].split("named")[0])
            self.assertEqual(said["chat"], said["streamed"][:len(said["chat"])])
            self.assertEqual((said["refused"], said["missing"]), (400, 404))
            self.assertEqual(said["models"], ["pico-llama"])
            self.assertGreater(said["cancelled_after"], 0)
            server.wait_for(lambda figures: not figures["pico_llama_telling"], "a cancelled story goes on")
            self.assertEqual(server.metrics()["pico_llama_stories_cancelled_total"], 1)

    @long
    def test_soak(self):
        """500 requests, some of whose clients leave: no file descriptor and no memory stays with them, and the queue moves on."""
        def resident(server):
            return int(next(line for line in pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
                            if line.startswith("VmRSS")).split()[1])

        dice = random.Random(2)
        with self.board() as server:
            for number in range(500):
                if dice.random() < 0.3:
                    self.begun(server, prompt="Once", seed=number + 1).close()
                else:
                    self.assertEqual(server.complete(prompt="Once", seed=number + 1, max_tokens=dice.randint(1, 12))[0], 200)
                if number == 49:
                    server.wait_for(lambda figures: not figures["pico_llama_telling"], "a story goes on")
                    files, kilobytes = server.open_files(), resident(server)
            server.wait_for(lambda figures: not figures["pico_llama_telling"] and not figures["pico_llama_queue_length"], "the queue is stuck")
            server.wait_for(lambda _: server.open_files() <= files, "file descriptors stay open")
            self.assertLess(resident(server), kilobytes + 2048)


if __name__ == "__main__":
    unittest.main()
