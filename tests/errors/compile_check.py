"""Checks what a compiler says about one source file: that it compiles, or that it fails in the right words.

A file that must not compile opens with what the first line with `error:` has to contain, one line a text:

    // expected: seam: expects placements, given matches by lookup

A file that must compile opens with `// compiles`, or is checked with --compiles. A file that promises neither
fails the check.
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path


def promises(source: Path) -> list[str] | None:
    """The texts that the first error line must contain; None for a file that must compile."""
    expected: list[str] = []
    for line in source.read_text(encoding="utf-8").splitlines():
        if line.startswith("// expected: "):
            expected.append(line.removeprefix("// expected: ").strip())
        elif not expected and line.strip() == "// compiles":
            return None
        else:
            break
    if not expected or not all(expected):
        sys.exit(f"{source}: must open with '// expected: <text>' or '// compiles'")
    return expected


def respelled(line: str) -> str:
    """The line with `'s', 'e', 'a', 'm'` read as `seam`: so clang 14 prints text."""
    spelled = re.compile(r"(?:'(?:\\.|[^'\\])'(?:, )?){2,}")
    letter = re.compile(r"'(\\.|[^'\\])'(?:, )?")
    return spelled.sub(lambda found: letter.sub(lambda one: one[1][-1], found[0]), line)


def main() -> int:
    """Returns 0 when the compiler says what the source promises, 1 otherwise."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--compiler", required=True)
    parser.add_argument(
        "--arguments", type=Path, required=True, help="file with one compiler argument a line"
    )
    parser.add_argument("--compiles", action="store_true", help="the source must compile")
    parser.add_argument("source", type=Path)
    options = parser.parse_args()

    expected = None if options.compiles else promises(options.source)
    arguments = [line for line in options.arguments.read_text(encoding="utf-8").splitlines() if line]
    result = subprocess.run(
        [options.compiler, *arguments, "-fsyntax-only", str(options.source)],
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )
    output = result.stdout + result.stderr

    if expected is None:
        if result.returncode == 0:
            return 0
        print(output)
        print(f"{options.source.name}: must compile, and does not")
        return 1

    first = next((line for line in output.splitlines() if "error:" in line), None)
    if result.returncode == 0 or first is None:
        print(output)
        print(f"{options.source.name}: must not compile, and the compiler returned {result.returncode}")
        return 1
    first = respelled(first)
    missing = [text for text in expected if text not in first]
    print(f"first error: {first}")
    for text in missing:
        print(f"does not say: {text}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
