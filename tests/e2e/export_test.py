#!/usr/bin/env python3
"""Export to a directory and to a bucket: whole, resumable, nothing passed over silently."""

import json
import os
import random
import subprocess
import time
import types
import unittest

from harness import BINARY, NokvTest
from s3 import BUCKET, KEYS, Gateway, Proxy, flags

BIG = random.Random(3).randbytes((16 << 20) + 5)  # three parts
FILES = {'a': b'small', 'd/b': b'x' * 70_000, 'd/e/c': b'', 'd/\xc3\xa4 %+?': b'plus', 'big': BIG}


class Export(NokvTest):

    def fill(self):
        for name, body in FILES.items():
            self.file(f'tree/{os.fsdecode(name.encode("latin-1"))}', body)
        self.nokv('put', '-r', self.directory / 'tree', '/t')
        self.nokv('mkdir', '/t/empty')
        self.nokv('ln', '-s', 'd/b', '/t/link')

    def found(self, top):
        return {os.fsencode(p.relative_to(top)).decode('latin-1'): p.read_bytes()
                for p in top.rglob('*') if p.is_file() and not p.is_symlink()}

    def export(self, *words, code=0, **more):
        """Its JSON lines, the last one being the summary."""
        done = self.run_nokv('--json', 'export', *words, **more)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return rows[:-1], rows[-1]

    def counts(self, summary):
        return tuple(summary[it] for it in ('files', 'there', 'passed_over', 'failed'))


class ToDirectory(Export):

    def setUp(self):
        super().setUp()
        self.serve()
        self.fill()
        self.to = self.directory / 'out/deep'

    def test_files_permissions_times_and_links_arrive(self):
        self.nokv('chmod', '640', '/t/d/b')
        rows, summary = self.export('/t', self.to)
        self.assertEqual(self.counts(summary), (6, 0, 0, 0))
        self.assertEqual(summary['bytes'], sum(map(len, FILES.values())))
        self.assertEqual(self.found(self.to), FILES)
        self.assertTrue((self.to / 'empty').is_dir())
        self.assertEqual(os.readlink(self.to / 'link'), 'd/b')
        status = (self.to / 'd/b').stat()
        self.assertEqual(status.st_mode & 0o777, 0o640)
        source = {row['path']: row for row in rows}['/t/d/b']
        self.assertEqual((source['to'], source['copied']), (f'{self.to}/d/b', True))
        seconds, rest = self.json('stat', '/t/d/b')['mtime'].rstrip('Z').split('.')
        self.assertEqual(status.st_mtime_ns % 10**9, int(rest.ljust(9, '0')), seconds)

    def test_again_writes_only_what_differs(self):
        self.export('/t', self.to)
        before = {p: p.lstat().st_ino for p in self.to.rglob('*')}
        self.assertEqual(self.counts(self.export('/t', self.to)[1]), (0, 6, 0, 0))
        self.assertEqual({p: p.lstat().st_ino for p in self.to.rglob('*')}, before)
        (self.to / 'a').write_bytes(b'other')       # the size is the same, the time is not
        (self.to / 'd/b').unlink()
        (self.to / 'mine').write_bytes(b'stays')
        self.assertEqual(self.counts(self.export('/t', self.to)[1]), (2, 4, 0, 0))
        self.assertEqual(self.found(self.to), {**FILES, 'mine': b'stays'})

    def test_one_version_is_exported(self):
        version = self.json('stat', '/t')['version']
        self.nokv('snapshot', 'create', 'then', '/t')
        self.nokv('put', '-', '/t/a', stdin=b'newer')
        _, summary = self.export('--at', 'then', '/t', self.to)
        self.assertEqual(self.found(self.to), FILES)
        self.assertGreaterEqual(summary['version'], version)

    def test_a_dry_run_writes_nothing(self):
        _, summary = self.export('--dry-run', '/t', self.to)
        self.assertEqual(self.counts(summary), (6, 0, 0, 0))
        self.assertFalse(self.to.exists())
        text = self.nokv('export', '--dry-run', '/t', self.to).decode()
        self.assertIn(f'would export /t/d/b to {self.to}/d/b\n', text)

    def test_a_damaged_body_is_told_and_the_rest_arrives(self):
        for block in (self.directory / 'meta/objects/blobs').rglob('*'):
            if block.is_file() and block.stat().st_size == 70_000:
                block.write_bytes(b'y' * 70_000)
        rows, summary = self.export('/t', self.to, code=3)
        self.assertEqual(self.counts(summary), (5, 0, 0, 1))
        errors = [row['error'] for row in rows if 'error' in row]
        self.assertEqual([(it['code'], it['path']) for it in errors], [('data_loss', '/t/d/b')])
        self.assertEqual(self.found(self.to), {k: v for k, v in FILES.items() if k != 'd/b'})

    def test_nothing_is_written_through_a_link(self):
        outside = self.directory / 'outside'
        outside.mkdir()
        self.to.mkdir(parents=True)
        (self.to / 'd').symlink_to(outside)
        rows, summary = self.export('/t', self.to, code=3)
        self.assertEqual(list(outside.iterdir()), [])
        self.assertEqual(summary['files'], 3)
        self.assertGreaterEqual(summary['failed'], 3)
        self.assertTrue(all('error' in row or row['copied'] for row in rows))

    def test_what_cannot_be_is_refused(self):
        self.fails(1, 'export', '/nothing', self.to)
        self.fails(1, 'export', '/t/a', self.to)
        self.fails(2, 'export', '/t', 'gopher://x/y')
        self.fails(2, 'export', '--region', 'x', '/t', self.to)
        self.fails(2, 'export', '/t', 's3://')


class ToBucket(Export):

    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(types.SimpleNamespace(addCleanup=cls.addClassCleanup))

    def setUp(self):
        super().setUp()
        self.serve()
        self.fill()
        self.proxy = Proxy(self, self.gateway.endpoint)
        # The bucket is shared; each test has a prefix of its own.
        self.to = f's3://{BUCKET}/{self._testMethodName}/q'
        self.top = self.gateway.data / BUCKET / self._testMethodName / 'q'
        self.where = ('--endpoint', self.proxy.endpoint, '--region', 'us-east-1')

    def to_bucket(self, *words, **more):
        return self.export(*self.where, *words, '/t', self.to, env=KEYS, **more)

    def puts(self):
        seen, self.proxy.seen = self.proxy.seen, []
        return [path for method, path in seen if method in ('PUT', 'POST')]

    def test_keys_are_plain_and_large_files_go_in_parts(self):
        rows, summary = self.to_bucket()
        self.assertEqual(self.counts(summary), (5, 0, 1, 0))
        self.assertEqual(self.found(self.top), FILES)
        self.assertGreater(sum(path.endswith('/big') for path in self.puts()), 4)
        self.assertIn(f'{self.to}/d/b', [row['to'] for row in rows])

    def test_again_puts_only_what_differs(self):
        self.to_bucket()
        self.puts()
        self.assertEqual(self.counts(self.to_bucket()[1]), (0, 5, 1, 0))
        self.assertEqual(self.puts(), [])
        self.nokv('put', '-', '/t/a', stdin=b'SMALL')  # of the same size
        self.nokv('append', '-', '/t/d/b', stdin=b'y')      # no digest any more
        (self.top / 'd/e/c').unlink()
        self.assertEqual(self.counts(self.to_bucket()[1]), (3, 2, 1, 0))
        self.assertEqual(len(self.puts()), 3)
        self.assertEqual(self.found(self.top), {**FILES, 'a': b'SMALL', 'd/b': b'x' * 70_000 + b'y'})
        self.assertEqual(self.counts(self.to_bucket()[1]), (0, 5, 1, 0))

    def test_a_name_that_is_no_key_is_told(self):
        self.nokv('put', '-', '/t/d/two\nlines', stdin=b'x')
        rows, summary = self.to_bucket(code=3)
        self.assertEqual(self.counts(summary), (5, 0, 1, 1))
        self.assertEqual([row['error']['path'] for row in rows if 'error' in row],
                         ['/t/d/two\nlines'])
        self.assertEqual(self.found(self.top), FILES)
        _, summary = self.to_bucket('--dry-run', code=3)
        self.assertEqual(self.counts(summary), (0, 5, 1, 1))

    def test_killed_and_run_again_it_is_whole(self):
        pick = random.Random(9)
        for _ in range(2):
            process = subprocess.Popen(
                [BINARY, 'export', *self.where, '/t', self.to],
                env={**os.environ, **KEYS, 'HOME': str(self.directory), 'NOKV_STORE': self.url},
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(pick.uniform(0.02, 0.15))
            process.kill()
            process.wait()
            # What is there is whole.
            for name, body in self.found(self.top).items() if self.top.exists() else ():
                self.assertEqual(body, FILES[name])
        self.to_bucket()
        self.assertEqual(self.found(self.top), FILES)

    def test_a_store_in_trouble_is_weathered_or_told(self):
        pick = random.Random(4)
        self.proxy.fault = lambda method, path: \
            ('status', 503) if pick.random() < 0.2 else None
        self.to_bucket()
        self.assertEqual(self.found(self.top), FILES)
        self.proxy.fault = lambda method, path: ('status', 403)
        done = self.run_nokv('--json', 'export', *self.where, '/t', self.to, env=KEYS)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn('permission_denied', done.stdout.decode())

    def test_the_prefix_of_bodies_is_no_target(self):
        self.end_server()
        (self.directory / 'two').mkdir()
        self.directory = self.directory / 'two'
        self.serve(*flags(self.gateway.endpoint), '--object-root', 'bodies-of', env=KEYS)
        self.nokv('put', '-', '/t/a', stdin=b'x' * 30_000)
        done = self.run_nokv('--json', 'export', *self.where, '/t', f's3://{BUCKET}/bodies-of',
                             env=KEYS)
        self.assertEqual(done.returncode, 1)
        self.assertIn('holds the bodies of a namespace', done.stdout.decode())
        environment = {**KEYS, 'AWS_ENDPOINT_URL': self.proxy.endpoint}
        _, summary = self.export('/t', self.to, env=environment)
        self.assertEqual(self.counts(summary), (1, 0, 0, 0))


del Export


if __name__ == '__main__':
    unittest.main()
