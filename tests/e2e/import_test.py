#!/usr/bin/env python3
"""Import: objects of a bucket as files, without copies; what becomes of them there is never hidden."""

import http.client
import hashlib
import hmac
import json
import os
import random
import subprocess
import time
import types
import unittest
import datetime
import urllib.parse

from harness import BINARY, NokvTest
from s3 import BUCKET, KEYS, Gateway, Proxy, flags

THEIRS = 'theirs'
BIG = random.Random(5).randbytes((9 << 20) + 17)  # three blocks
FILES = {'a.txt': b'small', 'd/b': b'x' * 70_000, 'd/e/c': b'', 'd/\xc3\xa4 %+?': b'plus', 'big': BIG}


class Bucket:
    """Raw S3: what others do with their objects."""

    def __init__(self, endpoint, name):
        self.host = endpoint.split('//')[1]
        self.name = name

    def send(self, method, key, body=b''):
        path = '/' + urllib.parse.quote('/'.join(filter(None, (self.name, key))), safe='/~')
        now = datetime.datetime.now(datetime.timezone.utc).strftime('%Y%m%dT%H%M%SZ')
        digest = hashlib.sha256(body).hexdigest()
        names = 'host;x-amz-content-sha256;x-amz-date'
        request = '\n'.join((method, path, '', f'host:{self.host}', f'x-amz-content-sha256:{digest}',
                             f'x-amz-date:{now}', '', names, digest))
        scope = f'{now[:8]}/us-east-1/s3/aws4_request'
        text = '\n'.join(('AWS4-HMAC-SHA256', now, scope,
                          hashlib.sha256(request.encode()).hexdigest()))
        key_bytes = b'AWS4' + KEYS['AWS_SECRET_ACCESS_KEY'].encode()
        for part in scope.split('/'):
            key_bytes = hmac.new(key_bytes, part.encode(), 'sha256').digest()
        signature = hmac.new(key_bytes, text.encode(), 'sha256').hexdigest()
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.request(method, path, body, {
            'x-amz-date': now, 'x-amz-content-sha256': digest,
            'Authorization': f'AWS4-HMAC-SHA256 Credential={KEYS["AWS_ACCESS_KEY_ID"]}/{scope}, '
                             f'SignedHeaders={names}, Signature={signature}'})
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        assert reply.status < 300, (method, key, reply.status, text)
        return text

    def put(self, key, body):
        self.send('PUT', key, body)

    def delete(self, key):
        self.send('DELETE', key)


class Import(NokvTest):

    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(types.SimpleNamespace(addCleanup=cls.addClassCleanup))
        cls.bucket = Bucket(cls.gateway.endpoint, THEIRS)
        cls.bucket.send('PUT', '')

    def setUp(self):
        super().setUp()
        self.proxy = Proxy(self, self.gateway.endpoint)
        self.top = f'{self._testMethodName}/q'  # the bucket is shared
        self.url_of = f's3://{THEIRS}/{self.top}'
        self.serve_here()
        for name, body in FILES.items():
            self.bucket.put(self.key(name), body)

    def serve_here(self, *more, **environment):
        self.serve(*flags(self.proxy.endpoint), '--object-root', self._testMethodName, *more,
                   env={**KEYS, **environment})

    def key(self, name):
        return f'{self.top}/' + os.fsdecode(name.encode('latin-1'))

    def run_import(self, *words, code=0, path='/t'):
        """Its JSON lines, the last one being the summary."""
        done = self.run_nokv('--json', 'import', *words, self.url_of, path)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return rows[:-1], rows[-1]

    def counts(self, summary):
        return tuple(summary[it] for it in ('files', 'there', 'failed'))

    def found(self, path='/t', *at):
        rows = [row for row in self.rows('tree', path, *at) if row['kind'] == 'file']
        return {os.fsencode(row['path'][len(path) + 1:]).decode('latin-1'):
                self.nokv('cat', row['path'], *at) for row in rows}

    def gets(self):
        seen, self.proxy.seen = self.proxy.seen, []
        return [path for method, path in seen if method == 'GET' and f'/{THEIRS}/' in path]

    def problems(self, *words):
        rows = self.run_nokv('--json', 'fsck', *words).stdout.splitlines()
        return {(row['code'], row['path']): row['detail'] for row in map(json.loads, rows[:-1])}


class FromBucket(Import):

    def test_objects_are_files_and_nothing_is_copied(self):
        rows, summary = self.run_import()
        self.assertEqual(self.counts(summary), (5, 0, 0))
        self.assertEqual(summary['bytes'], sum(map(len, FILES.values())))
        self.assertEqual(self.gets(), [])
        self.assertEqual(self.found(), FILES)
        self.assertFalse((self.gateway.data / BUCKET / self._testMethodName / 'blobs').exists())
        row = {row['path']: row for row in rows}['/t/d/b']
        self.assertEqual((row['from'], row['size'], row['imported']),
                         (f'{self.url_of}/d/b', 70_000, True))
        file = self.json('stat', '/t/d/b')
        self.assertEqual((file['size'], file['etag'], file['digest']), (70_000, row['etag'], ''))
        self.assertEqual(self.json('stat', '/t/a.txt')['content_type'].split(';')[0], 'text/plain')
        self.assertEqual(self.nokv('tail', '-c', '20', '/t/big'), BIG[-20:])
        self.assertEqual(self.json('du', '/t')['totals']['bytes'], summary['bytes'])
        space = {row['reason']: row['bytes'] for row in self.rows('df', '--why')}
        self.assertEqual((space['imported'], space['live']), (summary['bytes'], 0))
        self.assertEqual(self.json('df')['imported'], summary['bytes'])
        self.is_sound()

    def test_again_imports_only_what_differs(self):
        self.run_import()
        _, summary = self.run_import()
        self.assertEqual((*self.counts(summary), summary['version']), (0, 5, 0, 0))
        self.bucket.put(self.key('a.txt'), b'SMALL')
        self.bucket.put(self.key('new'), b'new')
        self.bucket.delete(self.key('d/b'))
        self.nokv('put', '-', '/t/d/e/c', stdin=b'own')
        before = self.nokv('import', '--dry-run', self.url_of, '/t').decode()
        self.assertIn(f'would import {self.url_of}/new as /t/new\n', before)
        self.assertEqual(self.counts(self.run_import()[1]), (3, 2, 0))
        self.assertEqual(self.nokv('cat', '/t/a.txt'), b'SMALL')
        self.assertEqual(self.nokv('cat', '/t/d/e/c'), b'')
        self.assertEqual(self.fails(1, 'cat', '/t/d/b')['code'], 'data_loss')
        self.nokv('import', self.url_of, '/t')

    def test_clones_snapshots_copies_appends_export_and_backup(self):
        self.run_import()
        self.nokv('snapshot', 'create', 'then')
        self.nokv('clone', '/t', '/clone')
        self.nokv('cp', '/t/big', '/copy')
        more = b'and more' * 20_000  # a block of our own, which clients get by a presigned URL
        self.nokv('append', '-', '/clone/d/b', stdin=more)
        self.nokv('mv', '/t/a.txt', '/moved')
        self.nokv('rm', '-r', '/t')
        self.assertEqual(self.nokv('cat', '/clone/d/b'), FILES['d/b'] + more)
        self.assertEqual(self.nokv('cat', '/copy'), BIG)
        self.assertEqual(self.nokv('cat', '/moved'), b'small')
        self.assertEqual(self.found('/t', '--at', 'then'), FILES)
        self.nokv('export', '/clone', self.directory / 'out')
        self.assertEqual((self.directory / 'out/big').read_bytes(), BIG)
        dump = self.nokv('dump', '/clone', '--bodies')
        self.nokv('load', '/loaded', stdin=dump)
        self.assertEqual(self.nokv('cat', '/loaded/big'), BIG)
        self.nokv('backup', '--to', f'file://{self.directory}/backup')
        self.is_sound()
        self.end_server()
        self.directory = self.directory / 'second'
        self.directory.mkdir()
        self.nokv('--meta', self.directory / 'meta', *flags(self.proxy.endpoint), '--object-root',
                  self._testMethodName, 'restore', '--from',
                  f'file://{self.directory.parent}/backup', env=KEYS)
        self.serve_here()
        self.assertEqual(self.nokv('cat', '/clone/big'), BIG)
        self.is_sound()

    def test_what_was_replaced_or_deleted_is_an_error_that_names_it(self):
        self.run_import()
        self.bucket.put(self.key('big'), BIG[::-1])
        self.bucket.delete(self.key('d/b'))
        for path, name, word in (('/t/big', 'big', 'replaced'), ('/t/d/b', 'd/b', 'gone')):
            done = self.run_nokv('cat', path)
            self.assertEqual((done.returncode, done.stdout), (1, b''))
            self.assertIn(f'{self.url_of}/{name}', done.stderr.decode())
            self.assertIn(word, done.stderr.decode())
            self.assertEqual(self.fails(1, 'get', path, self.directory / 'got')['code'],
                             'data_loss')
        generation = self.json('stat', '/t/big')['generation']
        for words in ((), ('--read-data',), ('/t',)):
            found = self.problems(*words)
            self.assertEqual(set(found), {('external_changed', '/t/big'),
                                          ('external_missing', '/t/d/b')})
            self.assertIn(f'generation {generation}', found['external_changed', '/t/big'])
            self.assertIn(f'{self.url_of}/big', found['external_changed', '/t/big'])
        self.bucket.put(self.key('big'), BIG)  # the same bytes, the same ETag
        self.assertEqual(self.nokv('cat', '/t/big'), BIG)

    def test_removal_and_garbage_collection_leave_the_objects(self):
        self.run_import()
        self.nokv('rm', '-r', '/t')
        self.nokv('snapshot', 'policy', '--undo', '0s', '--moments', 'none')
        self.nokv('gc', '--now', '--grace', '0s')
        self.is_sound()
        self.assertEqual(self.problems('--orphans'), {})
        self.run_import()
        self.assertEqual(self.found(), FILES)

    def test_keys_that_are_no_paths_are_told(self):
        # The gateway keeps files, so it has no such keys; other stores do.
        keys = {'a.txt': 5, 'b//c': 1, 'b/../c': 1, 'empty/': 0, 'full/': 5, 'n' * 256: 1, 'x': 1,
                'x-y': 1, 'x/y': 1}
        listing = self.file('listing', b'<ListBucketResult>%s</ListBucketResult>' % b''.join(
            f'<Contents><Key>{self.key(key)}</Key><Size>{size}</Size><ETag>"e{size}"</ETag>'
            '</Contents>'.encode() for key, size in keys.items()))
        self.proxy.fault = lambda method, path: \
            ('other', listing) if method == 'GET' and path.rstrip('/') == f'/{THEIRS}' else None
        for words, more in ((('--dry-run',), 0), ((), 0), ((), 3)):
            rows, summary = self.run_import(*words, code=3)
            self.assertEqual(self.counts(summary), (3 - more, more, 5), words)
            errors = {row['error']['path']: row['error']['code'] for row in rows if 'error' in row}
            self.assertEqual(errors, {f'{self.url_of}/{key}': code for key, code in (
                ('b//c', 'invalid_argument'), ('b/../c', 'invalid_argument'),
                ('full/', 'invalid_argument'), ('n' * 256, 'invalid_argument'),
                ('x/y', 'not_directory'))})
        self.assertEqual({row['path']: row['kind'] for row in self.rows('tree', '/t')},
                         {'/t': 'directory', '/t/a.txt': 'file', '/t/empty': 'directory',
                          '/t/x': 'file', '/t/x-y': 'file'})

    def test_a_file_that_cannot_be_made_does_not_keep_back_the_others(self):
        self.nokv('mkdir', '-p', '/t/a.txt')
        self.nokv('put', '-', '/t/d/e', stdin=b'a file')
        rows, summary = self.run_import(code=3)
        self.assertEqual(self.counts(summary), (3, 0, 2))
        self.assertEqual({row['error']['path']: row['error']['code']
                          for row in rows if 'error' in row},
                         {f'{self.url_of}/a.txt': 'is_directory',
                          f'{self.url_of}/d/e/c': 'not_directory'})

    def test_quotas_count_imported_bytes(self):
        self.nokv('mkdir', '/t')
        self.nokv('quota', 'set', '/t', '--max-bytes', '1MiB')
        rows, summary = self.run_import(code=3)
        self.assertEqual(self.counts(summary), (4, 0, 1))
        self.assertEqual([row['error']['code'] for row in rows if 'error' in row],
                         ['quota_exceeded'])

    def test_only_what_the_server_may_read(self):
        def start(allowed):
            self.end_server()
            self.server.flags = (*plain, '--import-from', allowed)
            self.restart()
        plain = self.server.flags
        start(f's3://x-y,s3://{THEIRS}/{self.top}/d')
        error = self.fails(1, 'import', self.url_of, '/t')
        self.assertEqual(error['code'], 'permission_denied')
        self.assertIn('--import-from', error['hint'])
        self.nokv('import', f'{self.url_of}/d', '/t')
        self.assertEqual(self.nokv('cat', '/t/b'), FILES['d/b'])
        start('none')
        self.assertEqual(self.fails(1, 'cat', '/t/b')['code'], 'permission_denied')
        self.end_server()
        done = self.run_nokv('--server-bind', '127.0.0.1:0', '--meta', self.directory / 'meta',
                             '--import-from', 'file:///etc', 'serve')
        self.assertEqual(done.returncode, 2, done.stderr)

    def test_what_cannot_be_is_refused(self):
        self.fails(2, 'import', '/local', '/t')
        self.fails(2, 'import', 's3://', '/t')
        self.fails(2, 'import', f's3://{THEIRS}/a//b', '/t')
        self.assertEqual(self.fails(1, 'import', f's3://{THEIRS}/nothing', '/t')['code'],
                         'not_found')
        self.assertEqual(self.fails(1, 'import', 's3://no-such-bucket', '/t')['code'], 'not_found')
        self.nokv('put', '-', '/file', stdin=b'x' * 30_000)
        self.assertEqual(self.fails(1, 'import', self.url_of, '/file')['code'], 'not_directory')
        own = self.fails(1, 'import', f's3://{BUCKET}/{self._testMethodName}', '/t')
        self.assertIn('holds the bodies of a namespace', own['message'])

    def test_killed_and_run_again_it_is_whole(self):
        for i in range(60):
            self.bucket.put(self.key(f'many/{i:04}'), str(i).encode())
        pick = random.Random(9)
        for _ in range(3):
            process = subprocess.Popen(
                [BINARY, 'import', self.url_of, '/t'],
                env={**os.environ, 'HOME': str(self.directory), 'NOKV_STORE': self.url},
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(pick.uniform(0.01, 0.08))
            process.kill()
            process.wait()
        _, summary = self.run_import()
        self.assertEqual(summary['files'] + summary['there'], 65)
        self.assertEqual(self.counts(self.run_import()[1]), (0, 65, 0))
        self.assertEqual(self.nokv('cat', '/t/many/0042'), b'42')
        self.is_sound()

    def test_a_store_in_trouble_is_weathered_or_told(self):
        self.run_import()
        pick = random.Random(4)
        self.proxy.fault = lambda method, path: \
            ('status', 503) if pick.random() < 0.2 else ('cut',) if pick.random() < 0.1 else None
        self.assertEqual(self.found(), FILES)
        self.proxy.fault = lambda method, path: ('status', 403) if THEIRS in path else None
        self.assertEqual({code for code, _ in self.problems()}, {'store'})


class WithLocalBodies(Import):

    def serve_here(self):
        self.serve(env={**KEYS, 'AWS_ENDPOINT_URL': self.proxy.endpoint})

    def test_the_bucket_is_found_by_awss_variables(self):
        self.run_import()
        self.nokv('append', '-', '/t/d/b', stdin=b'y' * 100_000)
        self.assertEqual(self.nokv('cat', '/t/d/b'), FILES['d/b'] + b'y' * 100_000)
        self.assertEqual(self.nokv('cat', '/t/big'), BIG)
        self.is_sound()

    def test_without_credentials_it_is_said_what_is_missing(self):
        self.end_server()
        self.server.env.pop('AWS_ACCESS_KEY_ID')
        self.server.env.pop('AWS_SECRET_ACCESS_KEY')
        self.restart()
        error = self.fails(1, 'import', self.url_of, '/t')
        self.assertEqual(error['code'], 'permission_denied')
        self.assertIn('AWS_ACCESS_KEY_ID', error['hint'] + error['message'])


del Import


if __name__ == '__main__':
    unittest.main()
