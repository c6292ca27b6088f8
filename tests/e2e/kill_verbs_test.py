#!/usr/bin/env python3
"""kill -9 at random moments while trees are cloned, merged, rolled back, removed, and garbage is collected.

NOKV_KILLS says how often for each (3 without more); NOKV_SEED which moments.
"""

import hashlib
import os
import random
import subprocess
import threading
import time
import unittest

from harness import BINARY, NokvTest

KILLS = int(os.environ.get('NOKV_KILLS', '3'))
SEED = int(os.environ.get('NOKV_SEED', '7'))
CHECK_EVERY = 5
DIRECTORY = None


def digest(body):
    return 'sha256:' + hashlib.sha256(body).hexdigest()


class Namespace:
    """What the tree holds: path to digest, or DIRECTORY."""

    def __init__(self, test):
        self.test = test
        self.tree = {}

    def found(self):
        rows = self.test.rows('tree', '/')
        return {row['path']: row.get('digest', DIRECTORY) for row in rows if row['path'] != '/'}

    def below(self, path):
        return {p: d for p, d in self.tree.items() if p.startswith(path + '/')}

    def with_copy(self, source, target):
        out = {**self.tree, target: DIRECTORY}
        out.update({target + p[len(source):]: d for p, d in self.below(source).items()})
        return out

    def without(self, path):
        return {p: d for p, d in self.tree.items() if p != path and not p.startswith(path + '/')}


class Worker(threading.Thread):
    """Runs one command after the other. The one that was under way when client and server were
    killed together has happened or not: which, the tree says."""

    def __init__(self, test, steps):
        super().__init__(daemon=True)
        self.test = test
        self.namespace = Namespace(test)
        self.steps = steps(self)
        self.go = threading.Event()
        self.idle = threading.Event()
        self.lock = threading.Lock()
        self.process = None
        self.died = False
        self.ended = False
        self.failure = None
        self.acknowledged = 0
        self.doubtful = 0

    def run(self):
        try:
            for _ in self.steps:
                if not self.go.is_set():
                    self.idle.set()
                    self.go.wait()
                if self.ended:
                    return
        except Exception as error:  # told by the test's own thread
            self.failure = error
        finally:
            self.idle.set()

    def pause(self):
        self.idle.clear()
        self.go.clear()
        if not self.idle.wait(90):
            raise AssertionError('a command does not end')
        if self.failure is not None:
            raise self.failure

    def resume(self):
        self.idle.clear()
        self.go.set()

    def wait_for(self, commands):
        """Until so many more have ended."""
        until = self.acknowledged + self.doubtful + commands
        end = time.monotonic() + 90
        while self.acknowledged + self.doubtful < until and self.failure is None:
            if time.monotonic() > end:
                raise AssertionError('a command does not end')
            time.sleep(0.001)

    def end(self):
        self.ended = True
        self.go.set()
        self.kill_client()

    def kill_client(self):
        with self.lock:
            if self.process is not None:
                self.died = True
                self.process.kill()

    def command(self, *words, body=b'', after=None):
        """`after` is the tree once it is done; the same as before without it."""
        before = self.namespace.tree
        after = before if after is None else after
        environment = {**os.environ, 'HOME': str(self.test.directory),
                       'NOKV_STORE': self.test.url}
        with self.lock:
            self.died = False
            self.process = subprocess.Popen([BINARY, *words], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                            env=environment)
        out, err = self.process.communicate(body, timeout=90)
        with self.lock:
            code, self.process = self.process.returncode, None
        if code == 0:
            self.acknowledged += 1
            self.namespace.tree = after
        elif self.died:
            self.doubtful += 1
            # The next server answers it, whenever it is there.
            found = self.namespace.found()
            if found not in (before, after):
                raise AssertionError(f'{words}: neither whole nor absent: '
                                     f'{difference(found, after)}')
            self.namespace.tree = found
        else:
            raise AssertionError(f'{words}: exit {code}: {out} {err}')
        return code == 0

    def put(self, path, size, pick):
        body = pick.randbytes(size)
        return self.command('put', '-', path, body=body,
                            after={**self.namespace.tree, path: digest(body)})

    def mkdir(self, path):
        return self.command('mkdir', path, after={**self.namespace.tree, path: DIRECTORY})

    def remove(self, path):
        return self.command('rm', '-rf', path, after=self.namespace.without(path))


def difference(found, expected):
    rows = [path for path in {*found, *expected} if found.get(path, 0) != expected.get(path, 0)]
    return sorted(rows)[:10], len(rows)


def sizes(pick):
    """Inline bodies and such with objects, now and then of two blocks."""
    return pick.choice((0, 100, 3_000, 20_000, 20_000, 60_000, 5 << 20))


class KillVerbs(NokvTest):

    def local_tree(self, files):
        pick = random.Random(SEED)
        tree = {}
        for n in range(files):
            body = pick.randbytes(30_000 if n % 16 == 3 else n % 500)
            self.file(f'template/{n % 7}/{n}', body)
            tree[f'/{n % 7}/{n}'] = digest(body)
            tree[f'/{n % 7}'] = DIRECTORY
        return tree

    def torment(self, name, steps, files=40, policy=('--moments', '1s:1m', '--undo', '2s')):
        self.serve_on_fixed_port('--upload-ttl', '3s')
        self.nokv('snapshot', 'policy', *policy)
        tree = self.local_tree(files)
        self.nokv('put', '-r', self.directory / 'template', '/src')
        pick = random.Random(f'{name}{SEED}')
        worker = Worker(self, lambda it: steps(it, random.Random(SEED)))
        worker.namespace.tree = {'/src': DIRECTORY,
                                 **{'/src' + path: it for path, it in tree.items()}}
        self.addCleanup(worker.join, 60)
        self.addCleanup(worker.end)
        worker.resume()
        worker.start()
        began = time.monotonic()
        for n in range(1, KILLS + 1):
            worker.wait_for(pick.randrange(1, 4))
            time.sleep(pick.choice((pick.uniform(0, 0.03), pick.uniform(0, 0.1))))
            self.server.kill()
            if pick.random() < 0.4:
                worker.kill_client()
            self.restart()
            if worker.failure is not None:
                raise worker.failure
            if n % CHECK_EVERY == 0 or n == KILLS:
                worker.pause()
                self.check(worker)
                worker.resume()
        worker.pause()
        print(f'{name}: {KILLS} kills in {time.monotonic() - began:.0f} s, '
              f'{worker.acknowledged} commands acknowledged, {worker.doubtful} died with the server',
              flush=True)
        return worker

    def check(self, worker):
        found = worker.namespace.found()
        self.assertEqual(found, worker.namespace.tree, difference(found, worker.namespace.tree))
        done = self.run_nokv('--json', 'fsck', '--read-data', '--orphans')
        self.assertEqual(done.returncode, 0, done.stdout[-2000:])

    def objects(self):
        return sum(1 for p in (self.directory / 'meta/objects/blobs').rglob('*') if p.is_file())

    def nothing_is_left(self, worker):
        """All is removed, also what pins kept: then there are no objects."""
        for path in [p for p in worker.namespace.tree if p.count('/') == 1]:
            self.nokv('rm', '-rf', path)
        for row in self.rows('snapshot', 'ls'):
            self.nokv('snapshot', 'rm', row['name'])
        self.nokv('snapshot', 'policy', '--moments', 'none', '--undo', '0s')
        self.server.stop()
        self.restart()
        end = time.monotonic() + 30
        while self.objects() and time.monotonic() < end:
            self.nokv('gc', '--now', '--grace', '0s')
        self.assertEqual(self.objects(), 0, self.rows('snapshot', 'ls', '--all'))
        done = self.run_nokv('--json', 'fsck', '--read-data', '--orphans')
        self.assertEqual(done.returncode, 0, done.stdout[-2000:])

    def test_clones_are_whole_or_absent(self):
        def steps(worker, pick):
            clones = []
            for n in range(1 << 30):
                source = pick.choice(['/src', '/src', *clones])
                name = f'/c{n}'
                tree = worker.namespace
                worker.command('clone', source, name, after=tree.with_copy(source, name))
                yield
                if name in tree.tree:
                    clones.append(name)
                    yield worker.put(f'{name}/new', sizes(pick), pick)
                    old = pick.choice(sorted(tree.below(name + '/3')) or [f'{name}/other'])
                    yield worker.put(old, sizes(pick), pick)
                    yield worker.remove(f'{name}/{pick.randrange(7)}')
                if len(clones) > 4:
                    yield worker.remove(clones.pop(pick.randrange(3)))
                clones = [it for it in clones if it in tree.tree]
        self.nothing_is_left(self.torment('clone', steps))

    def test_rollbacks_happen_or_do_not(self):
        def steps(worker, pick):
            tree = worker.namespace
            snapshots = {}
            for n in range(1 << 30):
                name = f's{n}'
                at = tree.tree
                if worker.command('snapshot', 'create', name, '/src'):
                    snapshots[name] = {p: it for p, it in at.items() if p.startswith('/src/')}
                yield
                yield worker.put(f'/src/{pick.randrange(3)}-{n}', sizes(pick), pick)
                yield worker.remove(f'/src/{pick.randrange(7)}')
                yield worker.mkdir(f'/src/d{n}')
                if not snapshots:
                    continue
                to = pick.choice(sorted(snapshots))
                rest = {p: it for p, it in tree.tree.items() if not p.startswith('/src/')}
                worker.command('rollback', '/src', '--to', to, after={**rest, **snapshots[to]})
                yield
                if len(snapshots) > 4:
                    old = pick.choice(sorted(snapshots))
                    del snapshots[old]
                    worker.command('snapshot', 'rm', old)
                    yield
        self.nothing_is_left(self.torment('rollback', steps))

    def test_merges_happen_or_do_not(self):
        def steps(worker, pick):
            tree = worker.namespace
            for n in range(1 << 30):
                name = f'/m{n}'
                worker.command('clone', '/src', name, after=tree.with_copy('/src', name))
                yield
                if name not in tree.tree:
                    continue
                yield worker.put(f'{name}/{pick.randrange(5)}-{n % 5}', sizes(pick), pick)
                yield worker.mkdir(f'{name}/d{n}')
                yield worker.remove(f'{name}/{pick.choice((pick.randrange(7), f"d{n - 3}"))}')
                rest = {p: it for p, it in tree.tree.items() if not p.startswith('/src/')}
                merged = {'/src' + p[len(name):]: it for p, it in tree.below(name).items()}
                worker.command('merge', name, after={**rest, **merged})
                yield
                yield worker.remove(name)
        self.nothing_is_left(self.torment('merge', steps))

    def test_a_tree_that_is_removed_is_whole_or_gone(self):
        def steps(worker, pick):
            tree = worker.namespace
            for n in range(1 << 30):
                name = f'/t{n}'
                how = ('clone',) if n % 5 == 4 else ('cp', '-r')
                worker.command(*how, '/src', name, after=tree.with_copy('/src', name))
                yield
                if name in tree.tree:
                    yield worker.put(f'{name}/1/more', sizes(pick), pick)
                    yield worker.remove(name)
        self.nothing_is_left(self.torment('rm -r', steps, files=800))

    def test_garbage_is_collected_and_nothing_else(self):
        def steps(worker, pick):
            tree = worker.namespace
            for n in range(1 << 30):
                path = f'/g{pick.randrange(12)}'
                yield worker.put(path, sizes(pick), pick)
                if n % 3 == 2:
                    yield worker.remove(pick.choice(sorted(p for p in tree.tree if p[1] == 'g')
                                                    or ['/g']))
                if n % 2:
                    worker.command('gc', '--now', '--grace', '0s')
                    yield
        worker = self.torment('gc', steps, policy=('--moments', 'none', '--undo', '0s'))
        self.nothing_is_left(worker)


if __name__ == '__main__':
    unittest.main()
