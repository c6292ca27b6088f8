#!/usr/bin/env python3
"""The whole benchmark: `./dev bench` builds, then runs this.

Usage: bench.py [--quick] [--only SECTION,...] [--entries N] [--resume] [--out FILE.md]
       bench.py micro [REGEX]

Sections, in order; each starts a server of its own on a temporary directory below build/bench and
ends it by its pid:
  rows     nokv bench, bodies in a local directory
  million  a million files: memory, restart after kill -9, bytes on disk
  time     clone, diff, merge, dump, load, backup and removal as commands, and git on the same files
  s3       rows about bodies, against versitygw; objbench of it
  objects  objbench of a local directory
A section that fails leaves a failed row and the next one begins. What was measured is kept in
build/bench/rows.jsonl; --only measures some sections again, --resume those that are not in it. At
the end docs/benchmarks.md, its plot, and build/bench/report.html are written (with --quick only the
latter).
`micro` runs the programs of the modules (Google Benchmark) whose name matches.
Python 3.11, standard library only.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import bench_report
import bench_time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / 'build/release'
WORK = ROOT / 'build/bench'
NOKV = BUILD / 'bin/nokv'
READY_S = 60
SECTION_MAX_S = 1200
RESTARTS = 3
KEYS = {'AWS_ACCESS_KEY_ID': 'testkey', 'AWS_SECRET_ACCESS_KEY': 'testsecret123',
        'AWS_EC2_METADATA_DISABLED': 'true'}
BODY_ROWS = 'publish_1m,publish_64m,read_64m,samples_cold,samples_warm,put_4k,get_4k'


class Server:
    """One `nokv serve` on a directory; a context that ends it."""

    def __init__(self, directory, *flags, env=None):
        self.directory = pathlib.Path(directory)
        self.flags = [str(f) for f in flags]
        self.env = {**os.environ, **(env or {})}
        self.process = None
        self.url = ''

    def __enter__(self):
        self.start()
        self.nokv('init')
        return self

    def __exit__(self, *_):
        self.end(signal.SIGTERM)

    def start(self):
        """Returns the seconds from the start of the process to its first answer."""
        ready = self.directory / 'ready'
        ready.unlink(missing_ok=True)
        began = time.monotonic()
        with open(self.directory / 'log', 'ab') as log:
            self.process = subprocess.Popen(
                [NOKV, '--server-bind', '127.0.0.1:0', '--meta', self.directory / 'meta',
                 '--ready-file', ready, *self.flags, 'serve', '--log-level', 'warning'],
                stdout=subprocess.DEVNULL, stderr=log, env=self.env)
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() - began > READY_S:
                raise RuntimeError('the server did not start: ' +
                                   (self.directory / 'log').read_text(errors='replace')[-500:])
            time.sleep(0.002)
        self.url = ready.read_text().strip()
        urllib.request.urlopen(self.url.replace('nokv://', 'http://') + '/healthz', timeout=10)
        return time.monotonic() - began

    def end(self, how):
        if self.process is None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def nokv(self, *words):
        done = subprocess.run([NOKV, '--json', *map(str, words)], capture_output=True, text=True,
                              env={**self.env, 'NOKV_STORE': self.url}, timeout=SECTION_MAX_S,
                              check=False)
        if done.returncode not in (0, 3):
            raise RuntimeError(f'nokv {" ".join(map(str, words))}: {done.stdout[-400:]}')
        return [json.loads(line) for line in done.stdout.splitlines()]

    def bench(self, *words):
        """Rows as they come, each shown at once."""
        with subprocess.Popen([NOKV, '--json', 'bench', *map(str, words)], stdout=subprocess.PIPE,
                              text=True, env={**self.env, 'NOKV_STORE': self.url}) as process:
            for line in process.stdout:
                row = json.loads(line)
                if 'row' in row:
                    show(row)
                    yield row
                elif 'error' in row:
                    raise RuntimeError(row['error']['message'])

    def memory(self, field):
        """VmRSS or VmHWM of the server, in bytes."""
        status = pathlib.Path(f'/proc/{self.process.pid}/status').read_text()
        return int(re.search(field + r':\s*(\d+) kB', status)[1]) * 1024


def show(row):
    value = 'failed: ' + row.get('error', '') if row['value'] is None else \
        f"{bench_report.figure(row['value'])} {row['unit']}"
    floor = row.get('floor')
    told = f"  {bench_report.figure(row['ratio'])} x {floor['row']}" \
        if floor and row.get('ratio') is not None else ''
    print(f"  {row['row']:24} {value:>18}{told}", flush=True)


def plain_row(name, values, unit, **more):
    values = sorted(values)
    middle = values[len(values) // 2]
    row = {'row': name, 'value': middle, 'unit': unit, 'p50_us': None, 'p99_us': None,
           'runs': {'min': values[0], 'max': values[-1], 'count': len(values)}, 'floor': None,
           'ratio': None, 'boundary': 'server', 'durability': 'durable', 'cache': 'none',
           'concurrency': 1, **more}
    show(row)
    return row


# ---- sections


def rows_section(options, directory):
    words = ['--quick'] if options.quick else []
    if options.entries:
        words += ['--entries', options.entries]
    with Server(directory) as server:
        yield from server.bench(*words)
        yield plain_row('server_memory_peak', [server.memory('VmHWM')], 'bytes')


def million_section(options, directory):
    entries = 100_000 if options.quick else 1_000_000
    with Server(directory) as server:
        for row in server.bench('--quick', '--keep', '--rows', f'snapshot_{entries}'):
            if row['value'] is None:
                raise RuntimeError(row['error'])
        yield plain_row(f'server_memory_{entries}', [server.memory('VmRSS')], 'bytes',
                        entries=entries)
        times = []
        for _ in range(1 if options.quick else RESTARTS):
            before = server.nokv('status')[0]['version'], files(server)
            server.end(signal.SIGKILL)
            times.append(server.start())
            after = server.nokv('status')[0]['version'], files(server)
            if after[0] < before[0] or after[1] != before[1]:
                raise RuntimeError(f'{before} before kill -9, {after} after')
            # Something for the next restart to replay.
            list(server.bench('--quick', '--keep', '--rows', 'create_batch_256'))
        yield plain_row(f'restart_{entries}', times, 's', entries=entries)
        # What the log alone holds belongs to the engine's files as well.
        urllib.request.urlopen(urllib.request.Request(
            server.url.replace('nokv://', 'http://') + '/checkpoint', method='POST'), timeout=120)
        count = files(server)
        server.end(signal.SIGTERM)
        size = json.loads(subprocess.run(
            [BUILD / 'src/engine/engine_size_bench', directory / 'meta/engine'], check=True,
            capture_output=True, text=True, timeout=300).stdout)
        past = sum(table['bytes'] for name, table in size['tables'].items() if int(name) >= 0x80)
        whole = sum(table['bytes'] for table in size['tables'].values())
        live = size['disk_bytes'] * (whole - past) / max(whole, 1)
        yield plain_row('record_bytes_per_file', [(whole - past) / count], 'bytes',
                        boundary='engine', entries=count)
        yield plain_row('bytes_per_file', [live / count], 'bytes', boundary='engine',
                        entries=count)
        server.start()  # so that the context ends a server


def files(server):
    return server.nokv('stat', '/')[0]['totals']['files']


def s3_section(options, directory):
    gateway = directory / 'gw'
    script = str(ROOT / 'tools/s3_server.sh')
    endpoint = subprocess.run([script, 'start', 'versitygw', gateway, str(os.getpid())],
                              check=True, capture_output=True, text=True, timeout=120).stdout
    try:
        (gateway / 'data/bench').mkdir()
        flags = ['--object-backend', 's3', '--object-endpoint', endpoint.strip(),
                 '--object-bucket', 'bench', '--object-region', 'us-east-1']
        quick = ['--quick'] if options.quick else []
        with Server(directory, *flags, env=KEYS) as server:
            for row in server.bench('--rows', BODY_ROWS, *quick):
                yield {**row, 'store': 's3'}
            for row in server.nokv(*flags, 'objbench', '--quick'):
                show(row)
                yield {**row, 'store': 's3'}
    finally:
        subprocess.run([script, 'stop', gateway], check=False)


def objects_section(_, directory):
    server = Server(directory)
    for row in server.nokv('--meta', directory / 'meta', 'objbench', '--quick'):
        show(row)
        yield row


def time_section(options, directory):
    with Server(directory) as server:
        yield from bench_time.section(server, directory, options.quick, plain_row, NOKV)


SECTIONS = {'rows': rows_section, 'million': million_section, 'time': time_section,
            's3': s3_section, 'objects': objects_section}


def run_section(name, options):
    """Rows of one section, whatever happens in it."""
    print(f'\n== {name}', flush=True)
    directory = pathlib.Path(tempfile.mkdtemp(prefix=f'{name}-', dir=WORK))
    began = time.monotonic()
    rows = []
    try:
        for row in SECTIONS[name](options, directory):
            rows.append({'section': name, **row})
    except (RuntimeError, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        failed = {'section': name, 'row': f'{name} (the rest)', 'value': None, 'unit': '',
                  'floor': None, 'ratio': None, 'error': str(error)}
        show(failed)
        rows.append(failed)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(f'  {time.monotonic() - began:.0f} s', flush=True)
    return rows


def commit():
    return subprocess.run(['git', 'rev-parse', 'HEAD'], cwd=ROOT, capture_output=True, text=True,
                          check=False).stdout.strip()


def measure(options):
    WORK.mkdir(parents=True, exist_ok=True)
    kept = WORK / 'rows.jsonl'
    done = []
    if (options.resume or options.only) and kept.exists():
        done = [json.loads(line) for line in kept.read_text().splitlines()]
    chosen = options.only.split(',') if options.only else list(SECTIONS)
    for name in chosen:
        if name not in SECTIONS:
            sys.exit(f'bench: there is no section {name}: {", ".join(SECTIONS)}')
    measured = {row['section'] for row in done if row['value'] is not None}
    for name in chosen:
        if options.resume and name in measured:
            continue
        done = [row for row in done if row['section'] != name] + run_section(name, options)
        kept.write_text(''.join(json.dumps(row) + '\n' for row in done))
    facts = bench_report.machine_facts(commit(), WORK)
    bench_report.write(done, facts, html=WORK / 'report.html',
                       markdown=None if options.quick else pathlib.Path(options.out))
    print(f'\nreport: {WORK / "report.html"}' + ('' if options.quick else f' and {options.out}'))
    return any(row['value'] is None for row in done)


def micro(pattern):
    failed = 0
    for program in sorted(BUILD.glob('src/**/*_bench')):
        if not re.search(pattern, program.name) or program.name == 'engine_size_bench':
            continue
        print(f'\n== {program.name}', flush=True)
        failed |= subprocess.run([program], check=False).returncode
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('what', nargs='?', choices=['micro'])
    parser.add_argument('pattern', nargs='?', default='')
    parser.add_argument('--quick', action='store_true', help='every row once; no docs are written')
    parser.add_argument('--only', default='', help='sections, with commas between')
    parser.add_argument('--entries', type=int, help='directories of up to N entries, also 10000000')
    parser.add_argument('--resume', action='store_true', help='only what is not measured yet')
    parser.add_argument('--out', default=str(ROOT / 'docs/benchmarks.md'))
    options = parser.parse_args()
    if options.what == 'micro':
        sys.exit(micro(options.pattern))
    sys.exit(1 if measure(options) else 0)


if __name__ == '__main__':
    main()
