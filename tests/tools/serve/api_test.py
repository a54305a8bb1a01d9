"""`pico-llama serve` with a model on this computer: what requests and answers look like, and what is refused."""
import json
import random
import socket
import tempfile
import unittest

from labels import long, sanitized
from served import Served, check_metadata, named_image, run_at_once, served_model, soak, told_by_run


class Api(unittest.TestCase):
    def test_the_same_story_as_run(self):
        with served_model() as server:
            for prompt, flags, fields in (("Once upon a time", {"temperature": 0}, {"temperature": 0}),
                                          ("One day", {"seed": 7}, {"seed": 7}),
                                          ("", {"seed": 8, "temperature": 0.5, "topp": 0.8}, {"seed": 8, "temperature": 0.5, "top_p": 0.8})):
                text, story = told_by_run(prompt, **flags)
                status, answer = server.complete(prompt=prompt, **fields)
                self.assertEqual(status, 200, answer)
                choice, = answer["choices"]
                self.assertEqual((choice["text"], choice["finish_reason"]), (text, "stop"))
                made = len(story["tokens"]) - len(story["prompt_tokens"])  # the end token is among `tokens`, BOS is not
                self.assertEqual(answer["usage"], {"prompt_tokens": len(story["prompt_tokens"]), "completion_tokens": made,
                                                   "total_tokens": len(story["prompt_tokens"]) + made})
                *pieces, last, done = server.stream(prompt=prompt, **fields)
                self.assertEqual("".join(piece["choices"][0]["text"] for piece in pieces), text)
                self.assertEqual((last["choices"][0]["finish_reason"], done), ("stop", "[DONE]"))
                self.assertEqual({piece["id"] for piece in pieces}, {last["id"]})

    @sanitized
    def test_chat(self):
        with served_model() as server:
            text, _ = told_by_run("One day Tom", temperature=0)
            messages = [{"role": "system", "content": "You are kind."}, {"role": "user", "content": "One day"},
                        {"role": "assistant", "content": [{"type": "text", "text": " Tom"}]}]
            status, _, body = server.request("POST", "/v1/chat/completions", {"messages": messages, "temperature": 0})
            self.assertEqual(status, 200)
            self.assertEqual(json.loads(body)["choices"][0]["message"], {"role": "assistant", "content": text})
            first, *pieces, last, usage, done = server.stream("/v1/chat/completions", messages=messages, temperature=0,
                                                              stream_options={"include_usage": True})
            self.assertEqual(first["choices"][0]["delta"]["role"], "assistant")
            self.assertEqual("".join(piece["choices"][0]["delta"]["content"] for piece in (first, *pieces)), text)
            self.assertEqual((last["choices"][0]["delta"], usage["choices"], done), ({}, [], "[DONE]"))
            self.assertEqual(usage["usage"]["prompt_tokens"] + usage["usage"]["completion_tokens"], usage["usage"]["total_tokens"])

    @sanitized
    def test_ends(self):
        with served_model() as server:
            whole = server.complete(prompt="Once", temperature=0)[1]["choices"][0]["text"]
            for stop in (whole[40:41], whole[10:14], whole[30:60], "\n", "€"):
                forms = ((given, streamed) for given in (stop, [stop], ["never said", stop]) for streamed in (False, True))
                for given, streamed in forms if stop in whole else (([stop], True), (stop, False)):  # without, a whole story each
                    fields = {"prompt": "Once", "temperature": 0, "stop": given}
                    if streamed:
                        *pieces, last, _ = server.stream(**fields)
                        text, reason = "".join(piece["choices"][0]["text"] for piece in pieces), last["choices"][0]["finish_reason"]
                    else:
                        choice = server.complete(**fields)[1]["choices"][0]
                        text, reason = choice["text"], choice["finish_reason"]
                    self.assertEqual((text, reason), (whole.split(stop)[0], "stop"), stop)
            for most in (1, 2, 17):
                answer = server.complete(prompt="Once", temperature=0, max_tokens=most)[1]
                self.assertEqual(answer["choices"][0]["finish_reason"], "length")
                self.assertEqual(answer["usage"]["completion_tokens"], most)
                self.assertTrue(whole.startswith(answer["choices"][0]["text"]))
            echoed = server.complete(prompt="Once", temperature=0, echo=True)[1]["choices"][0]["text"]
            self.assertEqual(echoed, "Once" + whole)
            self.assertEqual(server.stream(prompt="Once", temperature=0, echo=True)[0]["choices"][0]["text"][:4], "Once")

    def test_without_a_seed_each_story_is_another(self):
        with served_model() as server:
            self.assertGreater(len({server.complete(prompt="Once")[1]["choices"][0]["text"] for _ in range(5)}), 1)

    @sanitized
    def test_refusals(self):
        cases = [({"temperature": -1}, "temperature"), ({"temperature": "hot"}, "temperature"), ({"temperature": 2.1}, "temperature"),
                 ({"top_p": 1.5}, "top_p"), ({"seed": 1.5}, "seed"), ({"seed": "x"}, "seed"), ({"max_tokens": 0}, "max_tokens"),
                 ({"max_tokens": -3}, "max_tokens"), ({"max_tokens": 10 ** 30}, "max_tokens"), ({"max_tokens": 2 ** 40}, "max_tokens"),
                 ({"stream": 1}, "stream"), ({"stop": ""}, "stop"), ({"stop": ["a"] * 5}, "stop"), ({"stop": [1]}, "stop"),
                 ({"stop": "x" * 300}, "stop"), ({"n": 2}, "n"), ({"best_of": 3}, "best_of"), ({"logprobs": 5}, "logprobs"),
                 ({"suffix": "end"}, "suffix"), ({"prompt": 5}, "prompt"), ({"prompt": ["a", "b"]}, "prompt"), ({"prompt": [1, 2]}, "prompt"),
                 ({"frequency_penalty": 1}, "frequency_penalty"), ({"stream_options": 1}, "stream_options"), ({"model": 1}, "model")]
        harmless = {"n": 1, "stop": None, "logit_bias": {}, "presence_penalty": 0.0, "user": "x", "model": "gpt-x", "logprobs": None,
                    "seed": -1, "prompt": ["Once"], "max_tokens": 1}
        chats = [{}, {"messages": []}, {"messages": "x"}, {"messages": [1]}, {"messages": [{"content": "x"}]},
                 {"messages": [{"role": "tool", "content": "x"}]}, {"messages": [{"role": "user", "content": 1}]},
                 {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}]
        with served_model() as server:
            for fields, parameter in cases:
                status, answer = server.complete(**{"prompt": "Once", "max_tokens": 3, **fields})
                self.assertEqual((status, answer["error"]["param"], answer["error"]["type"]), (400, parameter, "invalid_request_error"), fields)
                self.assertNotIn("\n", answer["error"]["message"])
            self.assertEqual(server.complete(**harmless)[0], 200)
            for fields in chats:
                status, _, body = server.request("POST", "/v1/chat/completions", fields)
                self.assertEqual((status, json.loads(body)["error"]["param"]), (400, "messages"), fields)
            for body in (b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"prompt": "\xff"}', b"[" * 100000):
                status, _, answer = server.request("POST", "/v1/completions", body)
                self.assertEqual((status, json.loads(answer)["error"]["param"]), (400, None), body[:20])
            status, answer = server.complete(prompt="x" * 5000)
            self.assertEqual(status, 400)
            self.assertIn("the prompt has more tokens than the context's", answer["error"]["message"])
            self.assertEqual(server.request("POST", "/v1/completions", b"x" * (2 << 20))[0], 413)
            self.assertEqual(server.request("POST", "/v1/completions", "{}", {"Content-Type": "text/plain"})[0], 415)
            for method, path in (("GET", "/"), ("GET", "/v1/completions"), ("POST", "/v1/models"), ("DELETE", "/health")):
                status, _, body = server.request(method, path)
                self.assertEqual(status, 404)
                self.assertIn(f"there is no {method} {path}", json.loads(body)["error"]["message"])
            self.assertEqual(server.metrics()["pico_llama_stories_total"], 1)

    def test_key_and_origin(self):
        with served_model("--cors", "http://localhost:3000", environment={"PICO_LLAMA_API_KEY": "secret"}) as server:
            for headers, want in (({}, 401), ({"Authorization": "Bearer secre"}, 401), ({"Authorization": "Bearer secretx"}, 401),
                                  ({"Authorization": "secret"}, 401), ({"Authorization": "Bearer secret"}, 200)):
                status, answered, _ = server.request("GET", "/v1/models", headers=headers)
                self.assertEqual((status, answered["Access-Control-Allow-Origin"]), (want, "http://localhost:3000"))
            self.assertEqual(server.request("GET", "/health")[0], 200)
            self.assertEqual(server.request("OPTIONS", "/v1/completions")[0], 204)
        with served_model() as server:
            self.assertNotIn("Access-Control-Allow-Origin", server.request("GET", "/v1/models", headers={"Origin": "http://evil"})[1])

    def test_many_clients(self):
        """Each request is served whole, with its own story, or refused."""
        want = {seed: told_by_run("Once", seed=seed)[0] for seed in range(1, 9)}
        served, refused, wrong = [], [], []
        with served_model("--queue", "3") as server:
            def client(number):
                dice = random.Random(number)
                for _ in range(6):
                    seed = dice.randint(1, 8)
                    if dice.random() < 0.5:
                        status, answer = server.complete(prompt="Once", seed=seed)
                        text = answer["choices"][0]["text"] if status == 200 else None
                    else:
                        status, headers, body = server.request("POST", "/v1/completions", {"prompt": "Once", "seed": seed, "stream": True})
                        events = [json.loads(event[6:]) for event in body.decode().split("\n\n")[:-2]] if status == 200 else []
                        text = "".join(event["choices"][0]["text"] for event in events)
                    if status == 200 and text == want[seed]:
                        served.append(seed)
                    elif status == 429:
                        refused.append(seed)
                    else:
                        wrong.append((seed, status, text))

            run_at_once(client, 50)
            figures = server.metrics()
        self.assertEqual(wrong, [])
        self.assertEqual(len(served) + len(refused), 300)
        self.assertTrue(served and refused, (len(served), len(refused)))
        self.assertEqual((figures["pico_llama_stories_total"], figures["pico_llama_stories_refused_total"]), (len(served), len(refused)))

    def test_name_template_and_temperature(self):
        with tempfile.TemporaryDirectory() as folder, Served(named_image(folder)) as server:
            check_metadata(self, server, f"{folder}/named.plm")

    @long
    def test_soak(self):
        with served_model() as server:
            soak(self, server, 500, most_tokens=60)

    @sanitized
    def test_broken_requests(self):
        """Bytes that are not HTTP, or HTTP cut short or changed: the server goes on, and forgets their connections."""
        dice = random.Random(1)
        body = json.dumps({"prompt": "Once", "max_tokens": 2, "stop": ["x"], "stream": True, "seed": 3}).encode()
        good = b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        with served_model() as server:
            server.complete(prompt="Once", max_tokens=1)
            before = server.open_files()
            for _ in range(200):
                bad = bytearray(good)
                for _ in range(dice.randint(0, 6)):
                    at = dice.randrange(len(bad))
                    kind = dice.randint(0, 2)
                    if kind == 0:
                        bad[at] = dice.randrange(256)
                    elif kind == 1:
                        del bad[at:at + dice.randint(1, 30)]
                    else:
                        bad[at:at] = bytes(dice.randrange(256) for _ in range(dice.randint(1, 30)))
                with socket.create_connection(("127.0.0.1", server.port), timeout=60) as raw:
                    raw.sendall(bad[:dice.randint(0, len(bad))])
                    if dice.random() < 0.5:
                        raw.shutdown(socket.SHUT_WR)
                        while raw.recv(4096):
                            pass
            self.assertEqual(server.complete(prompt="Once", max_tokens=1)[0], 200)
            server.wait_for(lambda _: server.open_files() <= before, "connections stay open")


if __name__ == "__main__":
    unittest.main()
