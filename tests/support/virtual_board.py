"""Drives the `pico-llama` command and the virtual board: for tests, benchmarks and budgets.

The build that is used is $PICO_LLAMA_BUILD, by default build/host of this tree; its command is $PICO_LLAMA_COMMAND where an emulator
must run it.
"""
import json
import os
import pathlib
import select
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PICO_LLAMA_BUILD", ROOT / "build/host"))
COMMAND = pathlib.Path(os.environ.get("PICO_LLAMA_COMMAND", BUILD / "tools/pico-llama"))
FIRMWARE = ROOT / "build/firmware/firmware.elf"
STORIES260K, PICO_TALES = ("stories260K.bin", "tok512.bin"), ("pico-tales.bin", "pico-tales.tok.bin")
STORIES3M = ("stories3M_q80.bin", "tok4096.bin")


class Missing(Exception):
    """A model or a build that is absent; the message names it."""


class Refused(Exception):
    """pico-llama ended with an error; the message is its own."""


def built(path):
    """`path`, which a build makes. Errors: Missing."""
    if not pathlib.Path(path).exists():
        raise Missing(f"{path} is not built")
    return path


def firmware_of(preset):
    """The ELF of a firmware preset. Errors: Missing."""
    return built(ROOT / "build" / preset / "firmware.elf")


def sdk_program(name):
    """The ELF of one of tests/target/sdk. Errors: Missing."""
    return str(built(ROOT / "build/sdk-tests" / f"{name}.elf"))


def find_model(*names):
    """Paths of model files that lie in one folder, where scripts/get-models.sh finds them. Errors: Missing."""
    run = subprocess.run([ROOT / "scripts/get-models.sh", "--here", *names], capture_output=True, text=True)
    if run.returncode != 0:
        raise Missing(run.stderr.strip() or f"no {' and '.join(names)} here; run scripts/get-models.sh")
    folder = pathlib.Path(run.stdout.strip())
    return folder / names[0] if len(names) == 1 else [folder / name for name in names]


def any_story_model():
    """File names of a checkpoint and its tokenizer: stories260K where it is, else the model that ships."""
    try:
        find_model(*STORIES260K)
        return STORIES260K
    except Missing:
        return PICO_TALES


def golden(name):
    """The lines of a file of tests/golden."""
    return [json.loads(line) for line in (ROOT / "tests/golden" / name).read_text().splitlines()]


def command(*arguments):
    """Runs pico-llama; returns its standard output. Errors: Missing, Refused."""
    built(COMMAND)
    run = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True)
    if run.returncode != 0:
        raise Refused(f"pico-llama {arguments[0]}: exit {run.returncode}: {run.stderr.strip()}")
    return run.stdout


def host_tokens(model, prompt, steps):
    """Token ids of a greedy story told on this computer. `model`: an image, or (checkpoint, tokenizer, profile)."""
    files = [model] if isinstance(model, pathlib.Path) else [find_model(model[0]), "-z", find_model(model[1]), "--profile", model[2]]
    return json.loads(command("run", *files, "-t", 0, "-n", steps, "-i", prompt, "--json"))["tokens"]


class Packer:
    """Makes images and cartridges in a folder; each once."""

    def __init__(self, scratch):
        self.scratch = pathlib.Path(scratch)

    def pack(self, profile, checkpoint, tokenizer, *options):
        """The model image, packed for the board. `checkpoint`, `tokenizer`: names for find_model, or paths."""
        files = [file if isinstance(file, pathlib.Path) else find_model(file) for file in (checkpoint, tokenizer)]
        image = self.scratch / f"{files[0].stem}-{profile}.plm"
        if not image.exists():
            drafts = [] if "--drafts" in options else ["--drafts", "0"]  # they take a while, and most tests need none
            command("pack", files[0], "-z", files[1], "--profile", profile, *drafts, *options, "-o", image)
        return image

    def synthetic_15m(self):
        """Checkpoint and tokenizer of stories15M's shape, with weights made from a seed."""
        files = self.scratch / "15m.bin", self.scratch / "15m.tok.bin"
        if not files[0].exists():
            subprocess.run([built(BUILD / "tests/support/make_model"), *files, "15m", "1"], check=True)
        return files

    def cartridge(self, *images):
        """The UF2 that carries these images."""
        uf2 = images[0].with_suffix(".uf2")
        if len(images) > 1 or not uf2.exists():
            command("uf2", *images, "-o", uf2)
        return uf2


def simulate(*arguments, timeout=3500):
    """`pico-llama simulate`, to its end: the CompletedProcess, with bytes."""
    return subprocess.run([built(COMMAND), "simulate", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=timeout)


def play(scratch, images, script, options=(), seconds=60):
    """Plays a script to its end on a board with these images; returns what the board printed. Errors: AssertionError."""
    path = pathlib.Path(scratch) / "script"
    path.write_text("\n".join(script) + "\n")
    run = simulate(*images, "--script", path, "--max-seconds", seconds, *options)
    text = run.stdout.decode(errors="replace").replace("\r\n", "\n")
    assert run.returncode == 0, f"exit {run.returncode}\n{text[-3000:]}\n{run.stderr.decode(errors='replace')[-3000:]}"
    return text


class Running:
    """A simulation in the background, with the serial device that it serves."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([built(COMMAND), "simulate", *map(str, arguments), "--pty", "--max-seconds", "300"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        prefix = "simulate: serial port at "
        if not line.startswith(prefix):
            self.process.kill()
            raise AssertionError(f"no device: {line}{self.process.stderr.read()}")
        self.device = line[len(prefix):].strip()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait(10)
        self.process.stderr.close()


def read_until(descriptor, text, seconds):
    """Reads from a terminal until `text` is in it, or the time is over; returns all of it."""
    got = b""
    end = time.monotonic() + seconds
    while text not in got and time.monotonic() < end:
        if select.select([descriptor], [], [], 0.1)[0]:
            try:
                got += os.read(descriptor, 4096)
            except OSError:  # the program on the other side is gone
                break
    return got


# Lines of a script, and what the firmware answers with /json on.
STORY_END = ['expect "seed":', "expect }"]


def story_script(prompt, steps, temperature=0, topp=0.9, seed=1):
    """A story with these options, to its end."""
    return [f"send /temp {temperature:g}", f"send /topp {topp:g}", f"send /seed {seed}", f"send /steps {steps}",
            f"send {prompt}", *STORY_END]


def stories(text):
    """Tokens of each story told in JSON, and the object that ended it."""
    tokens, told = [], []
    for line in text.splitlines():
        if not line.startswith("{"):
            continue
        item = json.loads(line)
        if "token" in item and item["token"] >= 0:
            tokens.append(item["token"])
        elif "stop" in item:
            told.append((tokens, item))
            tokens = []
    return told


def messages(text):
    """The firmware's messages with /json on."""
    return [json.loads(line).get("message", "") for line in text.splitlines() if line.startswith('{"message"')]
