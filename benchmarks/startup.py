"""What it costs to start: processor time of `repost --help` and of `import repost`, beside a bare interpreter.

python benchmarks/startup.py [--runs 20]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys

from environment import print_environment

COMMANDS = {
    "python -c pass": ([sys.executable, "-c", "pass"], None),
    "import repost": ([sys.executable, "-c", "import repost"], 0.1),
    "repost --help": ([sys.executable, "-m", "repost", "--help"], 0.3),
    "repost emulate --help": ([sys.executable, "-m", "repost", "emulate", "--help"], None),
}


def cpu_seconds(command: list[str]) -> float:
    """User and system time of one run."""
    before = os.times()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    print(f"processor seconds, median of {runs} runs (min to max)")
    for name, (command, asked) in COMMANDS.items():
        cpu_seconds(command)
        found = [cpu_seconds(command) for _ in range(runs)]
        middle = statistics.median(found)
        verdict = "" if asked is None else f"   asked < {asked}: {'met' if middle < asked else 'MISSED'}"
        print(f"  {name:<24} {middle:.3f}  ({min(found):.3f} to {max(found):.3f}){verdict}")
    print_environment()


if __name__ == "__main__":
    main()
