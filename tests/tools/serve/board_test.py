"""`pico-llama serve` with the real firmware on the virtual board, for Python and for npm's openai client."""
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from labels import long
from served import Served, check_metadata, named_image, run_at_once, soak, told_by_run
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
            raw = server.begun(prompt="Once")
            self.assertEqual(server.metrics()["pico_llama_telling"], 1)
            raw.close()
            server.wait_for(lambda figures: figures["pico_llama_stories_cancelled_total"] == 1 and not figures["pico_llama_telling"],
                            "the story of a client that went away goes on")
            self.assertEqual(server.complete(prompt="Once", max_tokens=2)[0], 200)

    def test_name_template_and_temperature(self):
        image = named_image(self.folder.name)
        with Served("--simulate", self.images[0], Packer(self.folder.name).cartridge(pathlib.Path(image))) as server:
            server.wait_for(lambda figures: figures["pico_llama_available"] == 1, "the board does not answer")
            check_metadata(self, server, image)

    def test_a_board_that_goes_away_comes_back(self):
        with self.board() as server:
            raw = server.begun(prompt="Once", temperature=0)
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

    def test_a_board_that_is_killed_answers_503(self):
        """kill -9 during stories that are not streamed: 503 for the one being told and for those that wait; the next ones are told."""
        with self.board() as server:
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(server.request(
                "POST", "/v1/completions", {"prompt": "Once", "temperature": 0}))) for _ in range(3)]
            for thread in threads:
                thread.start()
            server.wait_for(lambda figures: figures["pico_llama_telling"] == 1 and figures["pico_llama_queue_length"] == 2, "no story begins")
            simulator, = self.simulators(server)
            os.kill(simulator, signal.SIGKILL)
            for thread in threads:
                thread.join()
            statuses = sorted(status for status, _, _ in answers)
            self.assertIn(503, statuses)
            for status, headers, body in answers:
                if status == 503:
                    self.assertEqual((json.loads(body)["error"]["code"], headers["Retry-After"]), ("board_unavailable", "2"))
                else:
                    # One that waited may find the virtual board that was started again.
                    self.assertEqual((status, json.loads(body)["choices"][0]["text"]), (200, told_by_run("Once", profile="q8", temperature=0)[0]))
            self.assertEqual(server.metrics()["pico_llama_stories_failed_total"], statuses.count(503))
            server.wait_for(lambda figures: figures["pico_llama_available"] == 1, "the virtual board is not started again")
            self.assertEqual(server.complete(prompt="Once", max_tokens=2)[0], 200)

    @long
    def test_50_clients_for_a_minute(self):
        """Each request is served whole, with its own story, or refused with 429: none is mixed up, none lost."""
        want = {seed: told_by_run("Once", profile="q8", seed=seed)[0] for seed in range(1, 7)}
        served, refused, wrong = [], [], []
        end = time.monotonic() + 60
        with self.board() as server:
            def client(number):
                dice = random.Random(number)
                while time.monotonic() < end:
                    seed, most = dice.randint(1, 6), dice.choice((5, 20, 60))
                    fields = {"prompt": "Once", "seed": seed, "max_tokens": most}
                    streamed = dice.random() < 0.5
                    status, _, body = server.request("POST", "/v1/completions", {**fields, "stream": streamed})
                    if status == 429:
                        refused.append(seed)
                        time.sleep(0.2)
                        continue
                    if status != 200:
                        wrong.append((seed, status, body))
                        continue
                    if streamed:
                        events = body.decode().split("\n\n")
                        whole = events[-2:] == ["data: [DONE]", ""]
                        text = "".join(json.loads(event[6:])["choices"][0]["text"] for event in events[:-2])
                    else:
                        answer = json.loads(body)
                        text, whole = answer["choices"][0]["text"], answer["usage"]["completion_tokens"] == most
                    if whole and text and want[seed].startswith(text):
                        served.append(seed)
                    else:
                        wrong.append((seed, status, text))

            run_at_once(client, 50)
            figures = server.metrics()
        print(f"{len(served)} served, {len(refused)} refused, {len(wrong)} wrong")
        self.assertEqual(wrong, [])
        self.assertGreater(len(set(served)), 3)
        self.assertTrue(refused)
        self.assertEqual((figures["pico_llama_stories_total"], figures["pico_llama_stories_refused_total"]), (len(served), len(refused)))
        self.assertEqual((figures["pico_llama_stories_failed_total"], figures["pico_llama_stories_cancelled_total"]), (0, 0))

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
        """100 requests to the virtual board; api_test.py has 500 to a model on this computer."""
        with self.board() as server:
            soak(self, server, 100, most_tokens=12)


if __name__ == "__main__":
    unittest.main()
