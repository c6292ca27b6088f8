#!/usr/bin/env python3
"""Checks the text of the committed files: nothing promised for later, no machine's paths, no giants.

Usage: check_text.py [--root DIR]

What it holds, for every file that git tracks or would add:
  - no mark that puts work off, and no test that is switched off;
  - no absolute path into somebody's home or workplace;
  - no source file longer than 800 lines;
  - text is UTF-8, without carriage returns, tabs at line starts (but in makefiles), or spaces at
    line ends; it ends with one newline.
Golden files (testdata/) and LICENSE are left alone.
Exit status: 0 when all hold, 1 with one "path:line: message" per breach.
Python 3.11, standard library only.
"""

import argparse
import pathlib
import re
import subprocess
import sys

MAX_LINES = 800
SOURCE = {'.h', '.cc', '.py', '.sh', '.cmake', '.proto'}
BINARY = {'.png', '.gz', '.zst', '.bin'}
# Written in pieces, so that this file passes its own check.
MARKS = re.compile(r'\b(TO' r'DO|FIX' r'ME|XX' r'X|HA' r'CK|GTEST' r'_SKIP|DISABLED' r'_\w+)\b')
PATHS = re.compile(r'(?<![\w.~$}/-])/(' r'root|home|work|Users)/[A-Za-z.]')


def tracked(root):
    """Paths that git tracks, or would with `git add -A`, relative to `root`."""
    done = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
                          cwd=root, capture_output=True, text=True, check=True)
    return sorted(set(filter(None, done.stdout.split('\0'))))


def left_alone(name):
    path = pathlib.PurePosixPath(name)
    return 'testdata' in path.parts or path.name == 'LICENSE' or path.suffix in BINARY


def check_line(line, is_makefile):
    """Returns what is wrong with one line, or None."""
    if found := MARKS.search(line):
        return f'"{found[0]}": do it now, or write it into an issue'
    if found := PATHS.search(line):
        return f'"{found[0]}...": a path of one machine'
    if line.endswith('\r'):
        return 'carriage return at the end'
    if line != line.rstrip():
        return 'space at the end'
    if line.startswith('\t') and not is_makefile:
        return 'tab at the start'
    return None


def check_file(name, data):
    """Yields a "path:line: message" for each breach in `data`, the bytes of file `name`."""
    try:
        text = data.decode('utf-8')
    except UnicodeDecodeError as error:
        yield f'{name}:1: not UTF-8: {error.reason} at byte {error.start}'
        return
    lines = text.split('\n')
    is_makefile = pathlib.PurePosixPath(name).name == 'Makefile'
    for number, line in enumerate(lines, 1):
        if message := check_line(line, is_makefile):
            yield f'{name}:{number}: {message}'
    if text and (lines[-1] or text == '\n' or text.endswith('\n\n')):
        yield f'{name}:{len(lines)}: ends with {"no" if lines[-1] else "more than one"} newline'
    if pathlib.PurePosixPath(name).suffix in SOURCE and len(lines) - 1 > MAX_LINES:
        yield f'{name}:{MAX_LINES}: {len(lines) - 1} lines; which second concept is inside?'


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--root', type=pathlib.Path, default=pathlib.Path(__file__).parent.parent)
    args = parser.parse_args()
    names = [name for name in tracked(args.root) if not left_alone(name)]
    breaches = []
    for name in names:
        path = args.root / name
        if path.is_file() and not path.is_symlink():
            breaches += check_file(name, path.read_bytes())
    for breach in breaches:
        print(breach, file=sys.stderr)
    print(f'{len(names)} files, {len(breaches)} breaches')
    return 1 if breaches else 0


if __name__ == '__main__':
    sys.exit(main())
