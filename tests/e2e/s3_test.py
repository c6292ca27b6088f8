#!/usr/bin/env python3
"""Bodies in a real S3 store: presigned transfers, a wrong bucket, a store that is down."""

import os
import shutil
import subprocess
import tempfile
import unittest
import urllib.request

from harness import NokvTest, SOURCE

KEYS = {'AWS_ACCESS_KEY_ID': 'testkey', 'AWS_SECRET_ACCESS_KEY': 'testsecret123',
        'AWS_EC2_METADATA_DISABLED': 'true'}
BODY = os.urandom(6 << 20)


class S3(NokvTest):

    def setUp(self):
        super().setUp()
        self.s3 = tempfile.mkdtemp(prefix='nokv-s3-')
        self.addCleanup(shutil.rmtree, self.s3, True)
        script = str(SOURCE / 'tools/s3_server.sh')
        self.endpoint = subprocess.run(
            [script, 'start', 'versitygw', f'{self.s3}/gw', str(os.getpid())], check=True,
            capture_output=True, text=True, timeout=120).stdout.strip()
        self.addCleanup(subprocess.run, [script, 'stop', f'{self.s3}/gw'], check=True)

    def flags(self, bucket):
        return ('--object-backend', 's3', '--object-endpoint', self.endpoint, '--object-bucket',
                bucket, '--object-region', 'us-east-1')

    def make_bucket(self):
        # The gateway keeps a bucket as a directory of its data.
        os.mkdir(f'{self.s3}/gw/data/b')

    def test_bodies_go_straight_to_the_store_and_back(self):
        self.make_bucket()
        self.serve(*self.flags('b'), env=KEYS)
        self.nokv('put', '-', '/f', stdin=BODY)
        self.assertEqual(self.nokv('cat', '/f'), BODY)
        base = self.url.replace('nokv://', 'http://')
        stats = urllib.request.urlopen(base + '/stats', timeout=10).read().decode()
        self.assertIn('"object_puts":0', stats)  # the client put them, by presigned URLs

    def test_a_wrong_bucket_is_named_and_the_namespace_works(self):
        self.serve(*self.flags('missing'), env=KEYS)
        self.nokv('put', '-', '/small', stdin=b'inline')
        error = self.fails(1, '--deadline', '3s', 'put', '-', '/big', stdin=BODY)
        self.assertIn('missing', error['message'])
        self.assertEqual(self.nokv('cat', '/small'), b'inline')
        self.fails(1, 'stat', '/big')

    def test_a_store_that_is_down_gives_exit_4_and_names_go_on(self):
        self.make_bucket()
        self.serve(*self.flags('b'), env=KEYS)
        self.nokv('put', '-', '/f', stdin=BODY)
        subprocess.run([str(SOURCE / 'tools/s3_server.sh'), 'stop', f'{self.s3}/gw'], check=True)
        self.assertIn(self.run_nokv('--deadline', '2s', 'cat', '/f').returncode, (4,))
        self.nokv('put', '-', '/small', stdin=b'inline')
        self.assertEqual(len(self.rows('ls', '/')), 2)


if __name__ == '__main__':
    unittest.main()
