"""A model's name, template and recommended temperature on the real firmware: shown, and used as `pico-llama run` uses them."""
import json

from board_test_case import BoardTest, expect
from virtual_board import PICO_TALES, STORY_END, command, find_model, stories

SAID = {"name": "Riddles", "template": "One day {prompt} said:\n", "licence": "MIT", "authors": "Zoë & Tom", "temperature": 0.5}


class Metadata(BoardTest):
    def named(self, file, **said):
        checkpoint, tokenizer = find_model(*PICO_TALES)
        options = [part for key, value in said.items() for part in (f"--{key}", value)]
        image = self.scratch / f"{file}.plm"
        command("pack", checkpoint, "-z", tokenizer, "--profile", "q8", *options, "-o", image)
        return image

    def on_host(self, image, prompt, *options):
        return json.loads(command("run", image, "-s", 5, "-n", 60, "-i", prompt, "--json", *options))["tokens"]

    def test_two_models(self):
        """Told apart by name in the banner and the list; each with its own temperature and template, which can be overruled."""
        riddles, plain = self.named("riddles", **SAID), self.named("plain", name="Plain tales")
        cartridge = self.packer.cartridge(riddles, plain)
        tell = ["send the cat", *STORY_END]
        text = self.play(["expect Riddles, q8, 5 layers of 64", "expect > ", "send /model", "expect > ", "send /json on", "expect json on",
                          "send /temp", "expect }", "send /seed 5", "expect }", "send /steps 60", "expect }", *tell,
                          "send /template off", "expect }", *tell, "send /template on", "expect }", "send /temp 1", "expect }", *tell,
                          "send /temp default", "expect }", "send /model 2", "expect 2 of 2", *tell, "send /temp", "expect }"], cartridge, seconds=100)
        expect(text, "model   Riddles, q8, 5 layers of 64", "name    Riddles", "authors Zoë & Tom", "licence MIT",
               'template "One day {prompt} said:\\n"', "advice  temperature 0.5", "flash * 1: Riddles, q8, 5 layers of 64",
               "flash   2: Plain tales, q8, 5 layers of 64", "temperature 0.5 (default)", "model   Plain tales, q8", "temperature 1 (default)")
        told = [tokens for tokens, _ in stories(text)]
        self.assertEqual(told[0], self.on_host(riddles, "the cat"))
        self.assertEqual(told[0], self.on_host(plain, "One day the cat said:\n", "-t", 0.5))
        self.assertEqual(told[1], self.on_host(riddles, "the cat", "--raw"))
        self.assertEqual(told[2], self.on_host(riddles, "the cat", "-t", 1))
        self.assertEqual(told[3], self.on_host(plain, "the cat"))

    def test_nonsense(self):
        """One line that says so, for each command about stories."""
        nonsense = ["/continue", "/again", "/continue ab", "/endless maybe", "/endless 1", '/stop "x', "/stop " + "x" * 33, "/minp 2", "/minp -1",
                    "/minp", "/penalty 0", "/penalty x", "/temp 11", "/temp defaults", "/template 5", "/steps -1", "/again 3", "/seed 0", "/topk x"]
        script = ["expect > ", "send /json on", "expect json on"]
        for line in nonsense:
            script += [f"send {line}", "expect }"]
        text = self.play([*script, "send /endless", "expect endless off"], self.packer.cartridge(self.named("plain")))
        answers = [json.loads(line) for line in text[text.index('"json on"'):].splitlines()[1:] if line.startswith("{")]
        self.assertEqual(len(answers), len(nonsense) + 1, answers)
        for line, answer in zip(nonsense, answers):
            self.assertEqual(list(answer), ["message"] if line == "/minp" else ["error"], (line, answer))
