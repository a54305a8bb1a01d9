#!/usr/bin/env python3
"""One table of all models, profiles and cores on the virtual board, beside what the machine would allow.

board_table.py                     prints the table (some minutes)
board_table.py --model stories260K --profile q8
board_table.py --clocks            also builds and measures each clock
board_table.py --update            all of that into docs/performance.md, docs/plots/, docs/milestones.md and bench/board.json
board_table.py --redraw            the same documents from bench/board.json, without measuring

Needs the presets host and firmware built (with the target make_model for the 15M shape). What is not here is left out and named.
"""
import argparse
import datetime
import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import board  # noqa: E402
import svg  # noqa: E402

ROOT = board.ROOT
# A model or a build that is absent, a model that is refused, a script that does not reach its end.
ABSENT_OR_FAILED = (board.Missing, board.virtual_board.Refused, AssertionError)
RESULTS = ROOT / "bench/board.json"
CLOCKS = (133, 150, 200, 266, 300)
PARTS = ["embedding", "query, key, value", "attention", "output", "feed forward up", "hidden input", "feed forward down", "classifier"]


def rate(value):
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def table(rows):
    lines = ["| model | profile | cores | first tokens | tok/s | tokens a pass | drafts | longer | tok/s | last position | tok/s | prefill tok/s "
             "| bus, B a pass | limit | tok/s | reached |", "|" + "---|" * 16]
    for row in rows:
        last = max(row.get("positions", {0: None}), key=int)
        at_last = row.get("positions", {}).get(last)
        bus_bound = row["bus_cycles"] > row["arithmetic_cycles"]
        lines.append("| " + " | ".join([
            row["model"], row["profile"], str(row["cores"]), str(row["tokens"]), rate(row["rate"]),
            f"{row['tokens_a_pass']:.2f}" if row.get("drafted") else "",
            f"{row['accepted']} of {row['drafted']}" if row.get("drafted") else "",
            str(row.get("long_tokens", "")), rate(row["long_rate"]) if "long_rate" in row else "",
            str(last) if at_last else "", rate(row["clk_sys_hz"] / at_last["cycles"]) if at_last else "",
            rate(row["prefill_rate"]) if "prefill_rate" in row else "", f"{row['bus_bytes']:,}",
            f"bus, {row['streamed_from']}" if bus_bound else "arithmetic", rate(row["limit_rate"]),
            f"{100 * row['rate'] / row['limit_rate']:.0f} %"]) + " |")
    return "\n".join(lines)


def clock_table(clocks):
    lines = ["| clk_sys | core | PSRAM SCK | flash SCK | flash read, MB/s | stories260K q8, tok/s | 15M shape q4, tok/s |", "|" + "---|" * 7]
    for c in clocks:
        lines.append(f"| {c['clk_sys']} MHz | {c['core']} V | {c['psram_sck']} MHz | {c['flash_sck']} MHz | {c['flash_read']} "
                     f"| {rate(c['q8_260k'])} | {rate(c['q4_15m']) if c.get('q4_15m') else ''} |")
    return "\n".join(lines)


def measure_clock(bench, megahertz):
    elf = board.clock_of(megahertz)
    uf2, _ = bench.cartridge_of("stories260K", "q8")
    text = bench.play(elf, uf2, ["send /json on", "expect json on", "send /temp 0", "expect temperature", *board.story("", 64),
                                 "send /selftest", "expect read flash", "expect selftest"])
    result = {"clk_sys": megahertz, "q8_260k": board.ends(text)[0]["tokens_per_second"],
              "core": re.search(r"core at ([\d.]+) V", text)[1], "psram_sck": re.search(r"QPI at ([\d.]+) MHz", text)[1],
              "flash_sck": re.search(r"continuous read at ([\d.]+) MHz", text)[1],
              "flash_read": re.search(r"read flash: one core ([\d.]+)", text)[1]}
    try:
        result["q4_15m"] = board.measure(bench, elf, "15M shape", "q4", cores=(2,))[0]["rate"]
    except ABSENT_OR_FAILED as why:
        print(f"left out: 15M shape q4 at {megahertz} MHz: {why}", file=sys.stderr)
    return result


def replace(path, name, text):
    """The part of a document between its markers."""
    document = path.read_text()
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    if begin not in document or end not in document:
        sys.exit(f"{path} has no markers for {name}")
    head, tail = document.split(begin)[0], document.split(end)[1]
    path.write_text(head + begin + text.rstrip() + "\n" + end + tail)


def draw(results):
    rows = results["rows"]
    when = f"Measured {results['date']} at commit {results['commit']}, virtual board, 150 MHz, greedy from BOS."
    replace(ROOT / "docs/performance.md", "board table", f"{when}\n\n{table(rows)}")
    both = [row for row in rows if row["cores"] == 2]
    plots = ROOT / "docs/plots"
    plots.mkdir(exist_ok=True)
    (plots / "reached.svg").write_text(svg.reached(
        "Share of the limit that two cores reach (virtual board, 150 MHz)",
        [(f"{row['model']} {row['profile']}", row["rate"] / row["limit_rate"],
          f"{rate(row['rate'])} of {rate(row['limit_rate'])} tok/s, "
          f"{'bus' if row['bus_cycles'] > row['arithmetic_cycles'] else 'arithmetic'}") for row in both]))
    timed = [(f"{row['profile']}, {row['cores']} core{'s'[:row['cores'] - 1]}, pos {position}",
              [at.get(part, 0) for part in PARTS])
             for row in rows if row["model"] == "stories260K" for position, at in row.get("positions", {}).items()]
    unknown = {part for row in rows for at in row.get("positions", {}).values() for part in at} - {*PARTS, "cycles"}
    if unknown:
        sys.exit(f"board_table: /bench has parts that no plot shows: {', '.join(sorted(unknown))}")
    if timed:
        (plots / "parts.svg").write_text(svg.stacked("stories260K: cycles of a token by part (/bench on the virtual board)", timed, PARTS))
    if results.get("clocks"):
        replace(ROOT / "docs/milestones.md", "clocks", f"Measured {results['date']} at commit {results['commit']}.\n\n"
                f"{clock_table(results['clocks'])}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=board.MODELS)
    parser.add_argument("--profile", choices=list(board.MATMUL_CYCLES))
    parser.add_argument("--firmware", type=pathlib.Path, default=ROOT / "build/firmware/firmware.elf")
    parser.add_argument("--clocks", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--redraw", action="store_true")
    arguments = parser.parse_args()
    if arguments.redraw:
        return draw(json.loads(RESULTS.read_text()))
    if arguments.update and (arguments.model or arguments.profile):
        parser.error("--update measures everything; leave out --model and --profile")
    rows, clocks = [], []
    with board.scratch_folder() as scratch:
        bench = board.Bench(scratch)
        for model, (_, _, profiles) in board.MODELS.items():
            for profile in profiles:
                if arguments.model not in (None, model) or arguments.profile not in (None, profile):
                    continue
                try:
                    rows += board.measure(bench, arguments.firmware, model, profile)
                    print(f"{model} {profile}: {', '.join(rate(row['rate']) for row in rows[-2:])} tok/s", file=sys.stderr)
                except ABSENT_OR_FAILED as why:
                    print(f"left out: {model} {profile}: {why}", file=sys.stderr)
        if arguments.clocks or arguments.update:
            clocks = [measure_clock(bench, megahertz) for megahertz in CLOCKS]
    print(table(rows))
    if clocks:
        print("\n" + clock_table(clocks))
    if arguments.update:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
        results = {"date": datetime.date.today().isoformat(), "commit": commit, "rows": rows, "clocks": clocks}
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        draw(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
