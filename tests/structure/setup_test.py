"""scripts/setup.sh about a Pico SDK of the user's own."""
import os
import pathlib
import subprocess
import tempfile
import unittest

SETUP = pathlib.Path(__file__).resolve().parents[2] / "scripts/setup.sh"


class OwnSdk(unittest.TestCase):
    def check(self, version=None, tinyusb=True):
        """What `setup.sh --check` says of an SDK of that version; none: an empty folder."""
        with tempfile.TemporaryDirectory() as folder:
            if version:
                parts = zip(("MAJOR", "MINOR", "REVISION"), version.split("."))
                pathlib.Path(folder, "pico_sdk_version.cmake").write_text(
                    "".join(f"    set(PICO_SDK_VERSION_{name} {value})\n" for name, value in parts))
            if tinyusb:
                pathlib.Path(folder, "lib/tinyusb/src").mkdir(parents=True)
                pathlib.Path(folder, "lib/tinyusb/src/tusb.h").touch()
            environment = {key: value for key, value in os.environ.items() if key != "PICO_TINYUSB_PATH"}
            run = subprocess.run([SETUP, "--check"], capture_output=True, text=True, env={**environment, "PICO_SDK_PATH": folder})
        return run.stderr.replace(folder, "FOLDER")

    def test_older_than_the_oldest_supported(self):
        for version in ("2.1.0", "2.0.0", "1.5.1"):
            self.assertIn(f"setup: the Pico SDK in PICO_SDK_PATH=FOLDER is {version}; 2.1.1 or later is needed", self.check(version))

    def test_the_oldest_supported_and_later(self):
        for version in ("2.1.1", "2.2.0", "2.10.0", "3.0.0"):
            self.assertNotIn("SDK", self.check(version))

    def test_a_folder_that_holds_none(self):
        self.assertIn("setup: PICO_SDK_PATH=FOLDER holds no Pico SDK", self.check(tinyusb=False))


if __name__ == "__main__":
    unittest.main()
