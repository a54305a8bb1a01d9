"""Stories of the real firmware image: the tokens of llama2.c and of this computer."""
from board_test_case import BoardTest
from labels import long
from virtual_board import PICO_TALES, STORIES260K, STORY_END, golden, host_tokens, stories, story_script


class Stories(BoardTest):
    def golden(self, profile, model, name, steps=()):
        """The lines of a golden file, token for token. `steps`: positions of each line, the last for all that follow; by
        default whole lines. A story of fewer positions is the beginning of the longer one."""
        script = ["expect > ", "send /json on", "expect json on"]
        wanted = golden(name)
        assert wanted
        for number, line in enumerate(wanted):
            if steps:
                line["steps"] = min(line["steps"], steps[min(number, len(steps) - 1)])
                line["tokens"] = line["tokens"][:line["steps"]]
            script += story_script(line["prompt"], line["steps"], line["temperature"], line["topp"], line["seed"])
        told = stories(self.play(script, self.pack(profile, *model), seconds=300))
        assert len(told) == len(wanted)
        for (tokens, end), line in zip(told, wanted):
            assert tokens == line["tokens"], f"prompt {line['prompt']!r}:\n{tokens}\n{line['tokens']}"
            print(f"{len(tokens)} golden tokens, {end['tokens_per_second']} tok/s simulated, {end['cores']} cores")

    def test_f32_greedy(self):
        self.golden("f32", STORIES260K, "stories260K.greedy.jsonl", steps=(32, 32, 32, 96))

    def test_f32_sampled(self):
        self.golden("f32", STORIES260K, "stories260K.sampled.jsonl", steps=(24,))

    def test_shipped_f32(self):
        self.golden("f32", PICO_TALES, "pico-tales.greedy.jsonl", steps=(24,))

    @long
    def test_f32_greedy_to_the_end(self):
        self.golden("f32", STORIES260K, "stories260K.greedy.jsonl")

    @long
    def test_f32_sampled_to_the_end(self):
        self.golden("f32", STORIES260K, "stories260K.sampled.jsonl")

    @long
    def test_shipped_f32_to_the_end(self):
        self.golden("f32", PICO_TALES, "pico-tales.greedy.jsonl")

    def test_shipped_q8(self):
        self.same_as_host(*PICO_TALES, "q8", ["", "Lily wanted a red"], 256)

    def same_as_host(self, model, tokenizer, profile, prompts, steps, cores=(1, 2)):
        script = ["expect > ", "send /json on", "expect json on", "send /temp 0", f"send /steps {steps}"]
        for core in cores:
            script.append(f"send /cores {core}")
            for prompt in prompts:
                script += [f"send {prompt}", *STORY_END]
        told = stories(self.play(script, self.pack(profile, model, tokenizer), seconds=200))
        wanted = [host_tokens((model, tokenizer, profile), prompt, steps) for _ in cores for prompt in prompts]
        assert [tokens for tokens, _ in told] == wanted
        for tokens, end in told:
            print(f"{len(tokens)} tokens as on the host, {end['tokens_per_second']} tok/s simulated, {end['cores']} cores")
        return told

    def test_q8_is_the_hosts(self):
        self.same_as_host(*self.model, "q8", ["", "Once upon a time", "Zoë said: «naïve» 🐸"], 96)

    def test_f32_is_the_hosts(self):
        self.same_as_host(*self.model, "f32", ["Once upon a time"], 48)

    def test_q8_whole_context(self):
        """A story that the model does not end before its 512 positions are full (376 of them are the prompt's)."""
        prompt = ("One day, Tim and Sue went to the park to play with a big red ball. " * 15).strip()
        (tokens, end), = self.same_as_host(*STORIES260K, "q8", [prompt], 512, cores=(2,))
        assert len(tokens) == 512 and end["stop"] == "steps", (len(tokens), end)
