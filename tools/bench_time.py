"""The section `time` of tools/bench.py: clones, differences and merges as commands, git next to them.

Every tree is the same: directories of 100 small files. What is timed is the whole command, from its
start to its end; the floor of each is `nokv stat /`, or git doing the same to the same files.
"""

import base64
import json
import os
import shutil
import statistics
import subprocess
import threading
import time
import urllib.request

PER_DIRECTORY = 100
CHANGES = 100
RUNS = 3
SPACE_BACK_MAX_S = 600
SWEPT = 'nokv_gc_records_swept'
WHEN = '2026-01-01T00:00:00.000000000Z'
GIT = ['git', '-c', 'user.name=bench', '-c', 'user.email=bench@localhost', '-c', 'gc.auto=0',
       '-c', 'maintenance.auto=false', '-c', 'commit.gpgsign=false']


def name(number):
    return f'd{number // PER_DIRECTORY:05}/f{number % PER_DIRECTORY:02}'


def content(number):
    return f'{number:024}\n'.encode()


def dump_lines(entries):
    """A dump of a tree of `entries` files and directories, with bodies."""
    facts = {'uid': 0, 'gid': 0, 'mtime': WHEN, 'ctime': WHEN, 'btime': WHEN}
    files = entries * PER_DIRECTORY // (PER_DIRECTORY + 1)
    yield {'dump': 1, 'namespace': '0' * 32, 'path': '/', 'version': 1, 'time': WHEN,
           'bodies': True}
    yield {'path': '/', 'kind': 'directory', 'mode': 0o755, **facts}
    nodes = 1
    for number in range(files):
        if number % PER_DIRECTORY == 0:
            yield {'path': '/' + name(number).split('/', maxsplit=1)[0], 'kind': 'directory',
                   'mode': 0o755, **facts}
            nodes += 1
        body = content(number)
        yield {'path': '/' + name(number), 'kind': 'file', 'mode': 0o644, **facts,
               'size': len(body)}
        yield {'data': base64.b64encode(body).decode()}
        nodes += 1
    yield {'end': nodes}


class Bench:
    """Commands against one server, timed."""

    def __init__(self, server, directory, plain_row, nokv):
        self.server = server
        self.directory = directory
        self.plain_row = plain_row
        self.binary = nokv

    def timed(self, *words, env=None, cwd=None):
        """Seconds that a command takes; it must succeed."""
        environment = {**os.environ, 'NOKV_STORE': self.server.url, **(env or {})}
        began = time.monotonic()
        done = subprocess.run([str(w) for w in words], capture_output=True, cwd=cwd,
                              env=environment, timeout=600, check=False)
        took = time.monotonic() - began
        if done.returncode != 0:
            raise RuntimeError(f'{" ".join(map(str, words))}: {done.stderr[-300:]!r}')
        return took

    def nokv(self, *words):
        return self.timed(self.binary, *words)

    def row(self, row_name, times, floor_name, floor_times, entries=None, unit='ms', **more):
        scale = {'ms': 1e3, 's': 1}[unit]
        floor = statistics.median(floor_times) * scale
        return self.plain_row(row_name, [t * scale for t in times], unit, boundary='command',
                              floor={'row': floor_name, 'value': floor, 'unit': unit},
                              ratio=statistics.median(times) * scale / floor, entries=entries,
                              **more)

    def load(self, entries, path):
        dump = self.directory / f'{entries}.dump'
        with open(dump, 'w', encoding='ascii') as out:
            for line in dump_lines(entries):
                out.write(json.dumps(line, separators=(',', ':')) + '\n')
        took = self.nokv('load', path, '--from', dump)
        dump.unlink()
        return took

    def changed(self, label, first, step):
        """A local tree of CHANGES other files, at places of files that are there."""
        out = self.directory / label
        for i in range(CHANGES):
            path = out / name(first + i * step)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f'{label} {i}\n'.encode())
        return out


def stats(bench):
    return [bench.nokv('stat', '/') for _ in range(20)]


def put_below(bench, tree, path):
    """Each directory of a local tree into that of the same name."""
    bench.nokv('put', '-r', *sorted(tree.iterdir()), path + '/')


def of_one_size(bench, entries, with_merge):
    step = max(1, entries // CHANGES - 7)
    tree = f'/tree{entries}'
    load = bench.load(entries, tree)
    floor = stats(bench)
    yield bench.row(f'command_clone_{entries}',
                    [bench.nokv('clone', tree, f'/c{entries}-{i}') for i in range(10)],
                    'stat_command', floor, entries)
    yield bench.row(f'command_snapshot_{entries}',
                    [bench.nokv('snapshot', 'create', f's{entries}-{i}', tree) for i in range(10)],
                    'stat_command', floor, entries)
    theirs = bench.changed(f'theirs{entries}', 0, step)
    clone = f'/c{entries}-0'
    put_below(bench, theirs, clone)
    yield bench.row(f'command_diff_100_{entries}',
                    [bench.nokv('diff', tree, clone) for _ in range(10)], 'stat_command', floor,
                    entries)
    yield bench.row(f'command_rollback_{entries}',
                    [bench.nokv('rollback', tree, '--to', f's{entries}-{i}') for i in range(5)],
                    'stat_command', floor, entries)
    if with_merge:
        yield from merged(bench, entries, step, load)


def merged(bench, entries, step, load):
    """Both sides change 100 files each; git does the same to a checkout of the same files."""
    tree = f'/merged{entries}'
    bench.load(entries, tree)
    repository = bench.directory / 'git'
    git_files(repository, entries)
    yield bench.row(f'command_load_{entries}', [load], 'git_add_commit',
                    [bench.timed(*GIT, 'add', '.', cwd=repository) +
                     bench.timed(*GIT, 'commit', '-qm', 'base', cwd=repository)], entries, unit='s')
    clones, diffs, merges = [], [], []
    git_clones, git_diffs, git_merges = [], [], []
    for run in range(RUNS):
        theirs = bench.changed(f'theirs-{run}', 1 + run, step)
        ours = bench.changed(f'ours-{run}', 20 + run, step)
        clone = f'/agent{run}'
        clones.append(bench.nokv('clone', tree, clone))
        put_below(bench, theirs, clone)
        diffs.append(bench.nokv('diff', tree, clone))
        put_below(bench, ours, tree)
        merges.append(bench.nokv('merge', clone))
        work = bench.directory / f'agent{run}'
        git_clones.append(bench.timed(*GIT, 'worktree', 'add', '-q', '-b', f'agent{run}', work,
                                      cwd=repository))
        for where, what in ((work, theirs), (repository, ours)):
            shutil.copytree(what, where, dirs_exist_ok=True)
            bench.timed(*GIT, 'commit', '-qam', 'changed', cwd=where)
        git_diffs.append(bench.timed(*GIT, 'diff', '--stat', 'HEAD~1', f'agent{run}',
                                     cwd=repository))
        git_merges.append(bench.timed(*GIT, 'merge', '-q', '-m', 'merged', f'agent{run}',
                                      cwd=repository))
    yield bench.row(f'command_clone_of_{entries}', clones, 'git_worktree_add', git_clones, entries)
    yield bench.row(f'command_diff_of_100_in_{entries}', diffs, 'git_diff', git_diffs, entries)
    yield bench.row(f'command_merge_100_100_{entries}', merges, 'git_merge', git_merges, entries)


def git_files(repository, entries):
    for number in range(entries * PER_DIRECTORY // (PER_DIRECTORY + 1)):
        path = repository / name(number)
        if number % PER_DIRECTORY == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(content(number))
    subprocess.run([*GIT, 'init', '-q', '-b', 'main', '.'], cwd=repository, check=True)


class Writers(threading.Thread):
    """Sixteen writers, for as long as they are needed; their creates in a second, run by run."""

    def __init__(self, server):
        super().__init__()
        self.server = server
        self.rates = []
        self.stopping = threading.Event()

    def once(self):
        rows = self.server.nokv('bench', '--quick', '--rows', 'create_16_writers')
        self.rates += [row['value'] for row in rows if row.get('value')]

    def run(self):
        while not self.stopping.is_set():
            self.once()


def dumped(bench, entries):
    """A million entries out and in again, backed up, and removed."""
    load = bench.load(entries, '/million')
    yield bench.plain_row(f'load_{entries}', [entries / load], 'entries/s', boundary='command',
                          entries=entries)
    out = bench.directory / 'dump'
    with open(out, 'wb') as file:
        began = time.monotonic()
        subprocess.run([bench.binary, 'dump', '/million'], stdout=file, check=True,
                       env={**os.environ, 'NOKV_STORE': bench.server.url}, timeout=600)
        took = time.monotonic() - began
    yield bench.plain_row(f'dump_{entries}', [entries / took], 'entries/s', boundary='command',
                          entries=entries, bytes=out.stat().st_size)
    out.unlink()


def backed_up(bench, entries):
    where = bench.directory / 'backup'
    where.mkdir()
    first = bench.nokv('backup', '--to', f'file://{where}')
    size = tree_bytes(where)
    put_below(bench, bench.changed('after', 3, max(1, entries // CHANGES - 7)), '/million')
    second = bench.nokv('backup', '--to', f'file://{where}')
    added = tree_bytes(where) - size
    yield bench.plain_row(f'backup_first_{entries}', [first], 's', boundary='command',
                          entries=entries, bytes=size)
    yield bench.plain_row(f'backup_next_{entries}', [second], 's', boundary='command',
                          entries=entries, bytes=added)
    yield bench.plain_row(f'backup_next_bytes_{entries}', [added / 1e6], 'MB', boundary='command',
                          entries=entries, first=size / 1e6)
    bench.nokv('backup', '--to', f'file://{where}', '--forget')


def tree_bytes(where):
    return sum(path.stat().st_size for path in where.rglob('*') if path.is_file())


def metric(server, wanted):
    url = server.url.replace('nokv://', 'http://') + '/metrics'
    with urllib.request.urlopen(url, timeout=30) as page:
        for line in page.read().decode().splitlines():
            if line.startswith(wanted + ' '):
                return float(line.split()[1])
    raise RuntimeError(f'there is no metric {wanted}')


def removed(bench, entries):
    """Removal of a large tree, and how long its records stay while others write."""
    server = bench.server
    bench.nokv('snapshot', 'policy', '--moments', 'none', '--undo', '0s')
    bench.nokv('gc')
    alone = Writers(server)
    for _ in range(RUNS):
        alone.once()
    writers = Writers(server)
    writers.start()
    try:
        time.sleep(1)
        before = metric(server, SWEPT)
        began = time.monotonic()
        answer = bench.nokv('rm', '-r', '/million')
        while metric(server, SWEPT) - before < entries:
            if time.monotonic() - began > SPACE_BACK_MAX_S:
                raise RuntimeError('the removed tree is not swept')
            time.sleep(0.5)
        space_back = time.monotonic() - began
    finally:
        writers.stopping.set()
        writers.join()
    yield bench.row(f'command_remove_{entries}', [answer], 'stat_command', stats(bench), entries)
    yield bench.plain_row(f'space_back_{entries}', [space_back], 's', entries=entries)
    kept = statistics.median(writers.rates) / statistics.median(alone.rates)
    yield bench.plain_row('writers_while_swept', [kept], 'of alone', entries=entries)


def section(server, directory, quick, plain_row, nokv):
    bench = Bench(server, directory, plain_row, nokv)
    for entries in (1_000, 10_000) if quick else (1_000, 10_000, 100_000):
        yield from of_one_size(bench, entries, entries == (10_000 if quick else 100_000))
    million = 20_000 if quick else 1_000_000
    yield from dumped(bench, million)
    yield from backed_up(bench, million)
    yield from removed(bench, million)
