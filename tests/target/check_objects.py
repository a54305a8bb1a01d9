#!/usr/bin/env python3
"""What the engine's objects for the Cortex-M33 ask of the rest of the world: only what is listed here.

Everything else (malloc, exceptions, libm, double helpers, printf, thread-safe statics, ...) would be an unlisted name.
usage: check_objects.py NM LIBRARY...
"""
import subprocess
import sys

ALLOWED = {
    "memcpy", "memset", "memcmp", "memchr", "memmove",
    "__aeabi_uldivmod", "__aeabi_ldivmod",  # 64-bit division, at load and in error messages only
}


def names(nm, library, *options):
    lines = subprocess.run([nm, *options, library], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[-1] for line in lines if line and not line.endswith(":")}


def main():
    nm, libraries = sys.argv[1], sys.argv[2:]
    defined, wanted = set(), set()
    for library in libraries:
        defined |= names(nm, library, "--defined-only")
        wanted |= names(nm, library, "--undefined-only")
    if len(defined) < 50:
        sys.exit(f"only {len(defined)} symbols in {libraries}: this cannot be the engine")
    # Writable data would be a global: the engine has none.
    data = {
        line.split()[-1]
        for library in libraries
        for line in subprocess.run([nm, library], capture_output=True, text=True, check=True).stdout.splitlines()
        if len(line.split()) == 3 and line.split()[1] in "bBdDC"
    }
    extra = sorted(wanted - defined - ALLOWED)
    print(f"{len(defined)} symbols defined, asked of others: {' '.join(sorted((wanted - defined) & ALLOWED))}")
    if extra:
        sys.exit("the engine asks for what it must not: " + " ".join(extra))
    if data:
        sys.exit("the engine has writable globals: " + " ".join(sorted(data)))


main()
