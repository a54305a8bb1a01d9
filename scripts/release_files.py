#!/usr/bin/env python3
"""The files of a release that scripts/release.sh does not only copy.

    release_files.py deb COMMAND VERSION FOLDER     COMMAND as a Debian package
    release_files.py zip FOLDER FILE                a folder as one file
    release_files.py sbom VERSION FILE              what is linked in, as SPDX 2.3
    release_files.py notes COMMAND VERSION FOLDER COMMIT
                                                    boots each story UF2 on its virtual board; sizes and speeds as Markdown

Dates are SOURCE_DATE_EPOCH's, so that the same input makes the same bytes.
"""
import datetime
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
GREEDY = ROOT / "scripts/greedy_story.txt"
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))


def output(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def owner(path):
    """The Debian package of a file. dpkg knows it by one of its names: /lib is a link to /usr/lib."""
    real = os.path.realpath(path)
    for name in (path, real, real.removeprefix("/usr"), f"/usr{path}"):
        run = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True)
        if run.returncode == 0:
            return run.stdout.split(":")[0]
    sys.exit(f"release: no Debian package has {path}; its .deb cannot say what it needs")


def libraries(command):
    """Debian packages of the shared libraries that a program names itself."""
    needed = re.findall(r"NEEDED +(\S+)", output("objdump", "-p", command))
    paths = dict(re.findall(r"(\S+) => (/\S+)", output("ldd", command)))
    return sorted({owner(paths[name]) for name in needed if name in paths})


def versions(names):
    known = output("dpkg-query", "-W", "-f", "${Package} ${Version}\n")
    table = dict(line.split(" ", 1) for line in known.splitlines())
    return {name: table[name] for name in names if name in table}


def deb(command, version, folder):
    architecture = output("dpkg", "--print-architecture").strip()
    with tempfile.TemporaryDirectory() as scratch:
        root = pathlib.Path(scratch, "root")
        (root / "DEBIAN").mkdir(parents=True)
        (root / "usr/bin").mkdir(parents=True)
        documents = root / "usr/share/doc/pico-llama"
        documents.mkdir(parents=True)
        shutil.copy(command, root / "usr/bin/pico-llama")
        subprocess.run(["strip", "--strip-all", "--remove-section=.note.gnu.build-id", root / "usr/bin/pico-llama"], check=True)
        shutil.copy(ROOT / "LICENSE", documents / "copyright")
        size = sum(file.stat().st_size for file in (root / "usr").rglob("*") if file.is_file()) // 1024
        needed = ", ".join(f"{name} (>= {found.split('-')[0]})" for name, found in versions(libraries(command)).items())
        (root / "DEBIAN/control").write_text(
            f"Package: pico-llama\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: the pico-llama authors <noreply@invalid>\n"
            f"Installed-Size: {size}\nDepends: {needed}\nSection: science\nPriority: optional\n"
            "Description: llama2.c for a microcontroller board: packer, engine, virtual board\n"
            " Packs llama2.c checkpoints for RP2350 boards, tells stories with them on a PC, and boots the board's firmware on a\n"
            " cycle-counting simulator.\n")
        for path in sorted(root.rglob("*")) + [root]:
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
            os.utime(path, (EPOCH, EPOCH))
        target = pathlib.Path(folder, f"pico-llama_{version}_{architecture}.deb")
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Zxz", "--threads-max=1", "--build", root, target], check=True, stdout=subprocess.DEVNULL)


def zip_folder(folder, target):
    date = datetime.datetime.fromtimestamp(max(EPOCH, 315532800), datetime.timezone.utc).timetuple()[:6]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(f"{pathlib.Path(folder).name}/{path.relative_to(folder).as_posix()}", date)
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes(), compresslevel=9)


# Others' work in each file of a release: (name, licence, where its version is found).
LINKED = {
    "firmware": [("pico-sdk", "BSD-3-Clause", "sdk"), ("tinyusb", "MIT", "tinyusb"), ("libnewlib-arm-none-eabi", "BSD-3-Clause", "dpkg"),
                 ("gcc-arm-none-eabi", "GPL-3.0-or-later WITH GCC-exception-3.1", "dpkg")],
    "command": [("libcli11-dev", "BSD-3-Clause", "dpkg"), ("nlohmann-json3-dev", "MIT", "dpkg"), ("libeigen3-dev", "MPL-2.0", "dpkg"),
                ("libfmt-dev", "MIT", "dpkg"), ("libcapstone-dev", "BSD-3-Clause", "dpkg"), ("libelf-dev", "LGPL-3.0-or-later", "dpkg"),
                ("libdw-dev", "LGPL-3.0-or-later", "dpkg"), ("libserialport-dev", "LGPL-3.0-or-later", "dpkg"),
                ("libmd-dev", "BSD-3-Clause", "dpkg"), ("libhwy-dev", "Apache-2.0", "dpkg"), ("libcpp-httplib-dev", "MIT", "dpkg")],
    "wasm": [("wasi-libc", "Apache-2.0 WITH LLVM-exception", "dpkg"), ("libcli11-dev", "BSD-3-Clause", "dpkg"),
             ("nlohmann-json3-dev", "MIT", "dpkg"), ("libfmt-dev", "MIT", "dpkg"), ("libhwy-dev", "Apache-2.0", "dpkg"),
             ("libc++", "Apache-2.0 WITH LLVM-exception", "llvm"), ("libc++abi", "Apache-2.0 WITH LLVM-exception", "llvm"),
             ("libclang-rt", "Apache-2.0 WITH LLVM-exception", "llvm")],
    "page": [("@xterm/xterm", "MIT", "npm"), ("@xterm/addon-fit", "MIT", "npm"), ("uplot", "MIT", "npm")],
}


# Versions of what no package manager knows by name are read from its own files.
def version_of(name, source, installed):
    if source == "npm":
        return json.loads((ROOT / "web/package-lock.json").read_text())["packages"][f"node_modules/{name}"]["version"]
    if source == "llvm":  # its packages carry the version in their names
        package = re.escape(name) + r"-\d+-dev-wasm32"
        return next(found for known, found in sorted(installed.items()) if re.fullmatch(package, known))
    if source == "sdk":
        sdk = pathlib.Path(os.environ.get("PICO_SDK_PATH", ROOT / ".deps/pico-sdk"))
        numbers = re.findall(r"set\(PICO_SDK_VERSION_(?:MAJOR|MINOR|REVISION) (\d+)\)", (sdk / "pico_sdk_version.cmake").read_text())
        return ".".join(numbers)
    if source == "tinyusb":
        folders = [ROOT / ".deps/tinyusb", pathlib.Path(os.environ.get("PICO_SDK_PATH", "")) / "lib/tinyusb"]
        header = next(folder / "src/tusb_option.h" for folder in folders if (folder / "src/tusb_option.h").is_file()).read_text()
        return ".".join(re.search(rf"define TUSB_VERSION_{part}\s+(\d+)", header)[1] for part in ("MAJOR", "MINOR", "REVISION"))
    return installed[name]


def sbom(version, target):
    installed = dict(line.split(" ", 1) for line in output("dpkg-query", "-W", "-f", "${Package} ${Version}\n").splitlines())
    created = datetime.datetime.fromtimestamp(EPOCH, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    packages, relations = {}, []

    def add(name, number, licence):
        key = "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]+", "-", f"{name}-{number}").strip("-")
        packages[key] = {"SPDXID": key, "name": name, "versionInfo": number, "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
                         "licenseConcluded": licence, "licenseDeclared": licence, "copyrightText": "NOASSERTION"}
        return key

    for part, names in LINKED.items():
        whole = add(f"pico-llama-{part}", version, "MIT")
        relations.append(("SPDXRef-DOCUMENT", "DESCRIBES", whole))
        for name, licence, source in names:
            relations.append((whole, "CONTAINS", add(name, version_of(name, source, installed), licence)))
    relations.append((f"SPDXRef-pico-llama-page-{version}", "CONTAINS", f"SPDXRef-pico-llama-wasm-{version}"))
    body = json.dumps([list(packages.values()), relations], sort_keys=True).encode()
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"pico-llama-{version}",
        "documentNamespace": f"urn:sha256:{hashlib.sha256(body).hexdigest()}",
        "creationInfo": {"created": created, "creators": ["Tool: scripts/release_files.py"]},
        "packages": list(packages.values()),
        "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b} for a, kind, b in relations],
    }
    pathlib.Path(target).write_text(json.dumps(document, indent=2) + "\n")


def notes(command, version, folder, commit):
    folder = pathlib.Path(folder)
    lines = [f"# pico-llama {version}", "", f"Commit {commit}. All speeds are the virtual board's (simulated cycles); nobody has measured them on hardware yet.", "",
             "| file | bytes | greedy story on the virtual board |", "|---|---|---|"]
    for file in sorted(folder.glob("*.uf2")):
        speed = "firmware alone"
        if file.stem.endswith("-story"):
            kind = "pico2" if "-pico-2-" in file.name else "pico-plus-2-w"
            told = output(command, "simulate", str(file), "--board", kind, "--script", GREEDY, "--max-seconds", "60")
            speed = re.search(r"\[(\d+ tokens, [\d.]+ tok/s)", told)[1]
        lines.append(f"| {file.name} | {file.stat().st_size:,} | {speed} |")
    for file in sorted(folder.iterdir()):
        if file.is_file() and file.suffix != ".uf2":
            lines.append(f"| {file.name} | {file.stat().st_size:,} | |")
    size = int((ROOT / "build/web-size.txt").read_text())
    lines += ["", f"The page transfers {size:,} bytes, gzipped.", ""]
    (folder / "RELEASE.md").write_text("\n".join(lines))


if __name__ == "__main__":
    actions = {"deb": deb, "zip": zip_folder, "sbom": sbom, "notes": notes}
    if len(sys.argv) < 3 or sys.argv[1] not in actions:
        sys.exit(__doc__)
    actions[sys.argv[1]](*sys.argv[2:])
