#!/usr/bin/env python3
"""Runs clang-tidy over the sources, in parallel, leaving out what was clean before.

Usage: tidy.py --build DIR [--all] [--jobs N] [FILE...]

FILE     sources to look at; none: every .cc under src/ that DIR/compile_commands.json builds
--all    tests, fuzz targets and benchmarks too (with FILEs they always are)

A file's verdict is a function of its text, of the project headers it includes (also through
others), of its compile command, of .clang-tidy and of clang-tidy's version: system headers are
pinned by the distribution. The hash of these is the name of an empty file in
${XDG_CACHE_HOME:-~/.cache}/nokv/tidy when the verdict was "clean", so a clean file is not looked at
again, in no clone of the tree.
Exit status: 0 when all are clean, 1 with clang-tidy's words for those that are not, 2 for usage.
Python 3.11, standard library only.
"""

import argparse
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TIDY = 'clang-tidy-19'
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
TEST_FILE = re.compile(r'_(test|fuzz|bench)\.cc$|/testing/')


def cache_dir():
    base = os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache'
    return pathlib.Path(base) / 'nokv' / 'tidy'


@dataclasses.dataclass(frozen=True)
class Unit:
    source: pathlib.Path
    command: str


def units(build):
    """The compile commands of sources under src/, by path relative to the root."""
    result = {}
    for entry in json.loads((build / 'compile_commands.json').read_text(encoding='utf-8')):
        source = pathlib.Path(entry['directory'], entry['file']).resolve()
        if source.is_relative_to(ROOT / 'src'):
            result[source.relative_to(ROOT).as_posix()] = Unit(source, entry['command'])
    return result


class Closure:
    """The project files that a source includes, directly or not."""

    def __init__(self):
        self.direct = {}

    def includes(self, path):
        if path not in self.direct:
            text = path.read_text(encoding='utf-8')
            found = (ROOT / 'src' / name for name in INCLUDE.findall(text))
            self.direct[path] = [p for p in found if p.is_file()]
        return self.direct[path]

    def of(self, source):
        seen, todo = {source}, [source]
        while todo:
            for path in self.includes(todo.pop()):
                if path not in seen:
                    seen.add(path)
                    todo.append(path)
        return sorted(seen)


def fingerprint(unit, closure, common):
    digest = hashlib.sha256(common)
    # The same tree elsewhere has the same verdict.
    digest.update(unit.command.replace(str(ROOT), '.').encode())
    for path in closure.of(unit.source):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def tidy(unit, build):
    """Returns (clean, what clang-tidy said, seconds)."""
    start = time.monotonic()
    done = subprocess.run([TIDY, '-p', build, '--quiet', unit.source], capture_output=True,
                          text=True, check=False, stdin=subprocess.DEVNULL)
    words = done.stdout.strip()
    if done.returncode != 0 and not words:
        words = done.stderr.strip()
    return done.returncode == 0, words, time.monotonic() - start


def select(args, all_units):
    """Returns the names to look at, or raises KeyError with one that nothing builds."""
    if args.files:
        names = [pathlib.Path(f).resolve().relative_to(ROOT).as_posix() for f in args.files]
        for name in names:
            all_units[name]
        return names
    return sorted(n for n in all_units if args.all or not TEST_FILE.search(n))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--build', type=pathlib.Path, required=True)
    parser.add_argument('--all', action='store_true')
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    parser.add_argument('files', nargs='*')
    args = parser.parse_args()
    all_units = units(args.build.resolve())
    try:
        names = select(args, all_units)
    except KeyError as name:
        print(f'tidy: {name} is not built in {args.build}', file=sys.stderr)
        return 2
    version = subprocess.run([TIDY, '--version'], capture_output=True, text=True, check=True).stdout
    common = version.encode() + (ROOT / '.clang-tidy').read_bytes()
    cache, closure = cache_dir(), Closure()
    cache.mkdir(parents=True, exist_ok=True)
    marks = {name: cache / fingerprint(all_units[name], closure, common) for name in names}
    todo = [name for name in names if not marks[name].exists()]
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        runs = {pool.submit(tidy, all_units[name], args.build): name for name in todo}
        for number, run in enumerate(concurrent.futures.as_completed(runs), 1):
            clean, words, seconds = run.result()
            name = runs[run]
            print(f'[{number}/{len(todo)}] {name} {seconds:.1f} s', flush=True)
            if clean:
                marks[name].touch()
            else:
                bad += 1
                print(words, flush=True)
    print(f'clang-tidy: {len(names)} files, {len(names) - len(todo)} clean before, {bad} not clean')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
