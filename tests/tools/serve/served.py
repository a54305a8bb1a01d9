"""`pico-llama serve` as a process, and requests to it."""
import http.client
import json
import os
import pathlib
import random
import socket
import subprocess
import threading
import time

from virtual_board import COMMAND, PICO_TALES, built, find_model


class Served:
    """A server at a free port; on leaving it must end well."""

    def __init__(self, *arguments, environment=None):
        self.process = subprocess.Popen([built(COMMAND), "serve", "--port", "0", *map(str, arguments)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, **(environment or {})})
        line = self.process.stderr.readline()
        if " at http://" not in line:
            raise AssertionError(line + self.process.stderr.read())
        self.port = int(line.split("/v1;")[0].rsplit(":", 1)[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        _, said = self.process.communicate(timeout=60)
        assert self.process.returncode == 0 and not said, (self.process.returncode, said)

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)

    def request(self, method, path, body=None, headers=None):
        """Status, headers and body (bytes) of one answer."""
        connection = self.connection()
        try:
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
            if body is not None:
                headers = {"Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def complete(self, **fields):
        """The answer to POST /v1/completions: status and object."""
        status, _, body = self.request("POST", "/v1/completions", fields)
        return status, json.loads(body)

    def stream(self, path="/v1/completions", **fields):
        """The objects of a streamed answer; the last one is [DONE]."""
        status, headers, body = self.request("POST", path, {**fields, "stream": True})
        assert status == 200 and headers["Content-Type"] == "text/event-stream", (status, headers, body)
        events = body.decode().split("\n\n")
        assert events.pop() == "" and all(event.startswith("data: ") for event in events), body
        return [json.loads(event[6:]) if event != "data: [DONE]" else "[DONE]" for event in events]

    def begun(self, **fields):
        """A socket on which a streamed story has begun."""
        body = json.dumps({"stream": True, **fields}).encode()
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=300)
        raw.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        came = b""
        while b"data: " not in came:
            part = raw.recv(65536)
            assert part, came
            came += part
        return raw

    def metrics(self):
        """The figures of GET /metrics."""
        lines = self.request("GET", "/metrics")[2].decode().splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}

    def wait_for(self, condition, what):
        """Until condition(metrics) holds."""
        for _ in range(1200):
            if condition(self.metrics()):
                return
            time.sleep(0.05)
        raise AssertionError(f"{what}: {self.metrics()}")

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def served_model(*arguments, **options):
    """The model that ships, on this computer."""
    checkpoint, tokenizer = find_model(*PICO_TALES)
    return Served(checkpoint, "-z", tokenizer, *arguments, **options)


def named_image(folder):
    """An image in q8 with a name, a template and a recommended temperature."""
    checkpoint, tokenizer = find_model(*PICO_TALES)
    image = f"{folder}/named.plm"
    subprocess.run([built(COMMAND), "pack", checkpoint, "-z", tokenizer, "--profile", "q8", "-o", image, "--name", "Riddles", "--template",
                    "One day {prompt} said:\n", "--temperature", "0.5"], check=True, capture_output=True)
    return image


def check_metadata(test, server, image):
    """/v1/models has the name; a chat is wrapped in the template, a completion is not; the temperature is the model's."""
    def run(*options):
        told = subprocess.run([built(COMMAND), "run", image, "-i", "the cat", "-s", "5", "-n", "0", "--json", *options],
                              capture_output=True, text=True, check=True)
        return json.loads(told.stdout)["text"]

    test.assertEqual([model["id"] for model in json.loads(server.request("GET", "/v1/models")[2])["data"]], ["Riddles"])
    fields = {"seed": 5, "max_tokens": 40}
    answer = server.complete(prompt="the cat", **fields)[1]
    test.assertEqual(answer["model"], "Riddles")
    text = answer["choices"][0]["text"]
    test.assertTrue(text and run("--raw").startswith("the cat" + text), text)
    text = server.complete(prompt="the cat", **fields, temperature=1)[1]["choices"][0]["text"]
    test.assertTrue(text and run("--raw", "-t", "1").startswith("the cat" + text), text)
    chat = {"messages": [{"role": "user", "content": "the cat"}], **fields}
    text = json.loads(server.request("POST", "/v1/chat/completions", chat)[2])["choices"][0]["message"]["content"]
    test.assertTrue(text and run().startswith("One day the cat said:\n" + text), text)


def soak(test, server, count, most_tokens):
    """Requests of which a third loses its client during the story: no file descriptor and no memory stays with them, and the queue
    moves on."""
    def resident():
        lines = pathlib.Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])

    dice = random.Random(2)
    left = 0
    for number in range(count):
        if dice.random() < 0.33:
            server.begun(prompt="Once", seed=number + 1).close()
            left += 1
        else:
            status, answer = server.complete(prompt="Once", seed=number + 1, max_tokens=dice.randint(1, most_tokens))
            test.assertEqual(status, 200, answer)
        if number == count // 5:
            server.wait_for(lambda figures: not figures["pico_llama_telling"], "a story goes on")
            files, kilobytes = server.open_files(), resident()
    server.wait_for(lambda figures: not figures["pico_llama_telling"] and not figures["pico_llama_queue_length"], "the queue is stuck")
    server.wait_for(lambda _: server.open_files() <= files, "file descriptors stay open")
    figures = server.metrics()
    # A story that ended before its client's leaving was noticed counts as told.
    ended = figures["pico_llama_stories_total"] + figures["pico_llama_stories_cancelled_total"]
    test.assertEqual((ended, figures["pico_llama_stories_failed_total"], figures["pico_llama_stories_refused_total"]), (count, 0, 0))
    after = resident()
    print(f"{count} requests, {left} left by their clients: {files} files open before and {server.open_files()} after, {kilobytes} kB resident "
          f"before and {after} kB after")
    test.assertLess(after, kilobytes + 2048)


def run_at_once(client, count):
    """client(0) to client(count - 1), each in a thread of its own, to their ends."""
    threads = [threading.Thread(target=client, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def told_by_run(prompt, **options):
    """What `pico-llama run` tells after the prompt."""
    checkpoint, tokenizer = find_model(*PICO_TALES)
    flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    run = subprocess.run([built(COMMAND), "run", checkpoint, "-z", tokenizer, "-i", prompt, "--steps", "0", "--json", *flags],
                         capture_output=True, text=True, check=True)
    story = json.loads(run.stdout)
    assert story["text"].startswith(prompt), story
    return story["text"][len(prompt):], story
