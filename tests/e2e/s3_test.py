#!/usr/bin/env python3
"""Bodies in a real S3 store: presigned transfers, its styles, TLS, and what is set wrong."""

import json
import os
import random
import shutil
import subprocess
import time
import unittest
import urllib.request

from harness import NokvTest
from s3 import BUCKET, KEYS, Gateway, flags

BODY = random.Random(4).randbytes(6 << 20)


class S3(NokvTest):

    def stats(self):
        base = self.url.replace('nokv://', 'http://')
        with urllib.request.urlopen(base + '/stats', timeout=10) as reply:
            return json.loads(reply.read())

    def round_trip(self, env=None):
        self.nokv('put', '-', '/f', stdin=BODY, env=env)
        self.assertEqual(self.nokv('cat', '/f', env=env), BODY)
        local = self.file('local', BODY)
        self.nokv('publish', f'{local}=/set/a', f'{local}=/set/b', env=env)
        self.nokv('get', '/set/b', self.directory / 'out', env=env)
        self.assertEqual((self.directory / 'out').read_bytes(), BODY)
        self.nokv('append', '-', '/f', stdin=b'more', env=env)
        self.assertEqual(self.nokv('tail', '-c', '6', '/f', env=env), BODY[-2:] + b'more')

    def test_bodies_go_straight_to_the_store_and_back_and_are_collected(self):
        gateway = Gateway(self)
        self.serve(*flags(gateway.endpoint, BUCKET, '--object-root', 'some/prefix'), env=KEYS)
        before = self.stats()  # the mark of whose the prefix is
        puts, gets = before['object_puts'], before['object_gets']
        self.round_trip()
        after = self.stats()  # clients put and got them, by presigned URLs
        self.assertEqual((after['object_puts'], after['object_gets']), (puts, gets))
        self.assertTrue(gateway.blocks())
        for path in gateway.blocks():
            self.assertIn('some/prefix/blobs/', str(path))
        self.nokv('snapshot', 'policy', '--moments', 'none', '--undo', '0s')
        self.nokv('rm', '-r', '/f', '/set')
        for _ in range(8):  # each pass lets go of what the one before made garbage
            self.nokv('gc', '--now', '--grace', '0s')
            if not gateway.blocks():
                break
            time.sleep(0.5)
        self.assertEqual(gateway.blocks(), [])

    def test_the_metadata_is_backed_up_to_a_bucket_and_restored_from_it(self):
        gateway = Gateway(self)
        words = flags(gateway.endpoint, BUCKET, '--object-root', 'bodies')
        self.serve(*words, env=KEYS)
        self.nokv('put', '-', '/f', stdin=BODY)
        place = f's3://{BUCKET}/safe'
        self.json('backup', '--to', place)
        self.json('backup')
        self.nokv('put', '-', '/f', stdin=BODY[1:])
        self.nokv('gc', '--now', '--grace', '0s')
        self.server.stop()
        for at, source in enumerate((place, f's3://{BUCKET}/bodies/backups')):
            again = self.directory / f'again{at}'
            self.nokv(*flags(gateway.endpoint), '--meta', again, 'restore', '--from', source,
                      env=KEYS)
            shutil.rmtree(self.directory / 'meta')
            shutil.move(again, self.directory / 'meta')
            self.restart()
            self.assertEqual(self.nokv('cat', '/f'), BODY)
            self.server.stop()

    def test_an_endpoint_that_begins_with_the_bucket_is_virtual_host_style(self):
        gateway = Gateway(self)
        port = gateway.endpoint.rsplit(':', 1)[1]
        self.serve(*flags(f'http://{BUCKET}.s3.localhost:{port}'), env=KEYS)
        self.round_trip()
        self.assertTrue(gateway.blocks())

    def test_a_namespace_without_a_server_uses_the_store_itself(self):
        gateway = Gateway(self)
        self.url = f'file://{self.directory}/embedded'
        words = flags(gateway.endpoint)
        self.nokv(*words, 'init', env=KEYS)
        self.nokv(*words, 'put', '-', '/f', stdin=BODY, env=KEYS)
        self.assertEqual(self.nokv(*words, 'cat', '/f', env=KEYS), BODY)
        self.assertTrue(gateway.blocks())

    def test_a_store_with_a_certificate_of_ones_own_is_believed_by_name(self):
        certificate, key = self.directory / 'ca.pem', self.directory / 'key.pem'
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
                        '-keyout', key, '-out', certificate, '-subj', '/CN=localhost', '-addext',
                        'subjectAltName=DNS:localhost,IP:127.0.0.1'], check=True,
                       capture_output=True, timeout=60)
        gateway = Gateway(self, certificate, key)
        with_ca = {'AWS_CA_BUNDLE': str(certificate)}
        self.serve(*flags(gateway.endpoint), env={**KEYS, **with_ca})
        self.round_trip(env=with_ca)
        self.assertTrue(gateway.blocks())
        # A command that does not know the certificate gets its bytes through the server.
        self.assertEqual(self.nokv('--deadline', '20s', 'cat', '/f'), BODY + b'more')

    # ---- what is set wrong

    def put_error(self, *codes):
        done = self.run_nokv('--json', '--deadline', '2s', 'put', '-', '/big', stdin=BODY)
        self.assertIn(done.returncode, codes, done.stdout)
        self.fails(1, 'stat', '/big')
        self.nokv('put', '-', '/small', stdin=b'inline')  # the namespace works
        self.assertEqual(self.nokv('cat', '/small'), b'inline')
        return json.loads(done.stdout)['error']

    def test_a_wrong_bucket_is_named_and_the_namespace_works(self):
        gateway = Gateway(self)
        self.serve(*flags(gateway.endpoint, 'missing'), env=KEYS)
        self.assertIn('missing', self.put_error(1)['message'])
        self.assertIn('missing', self.json('status')['object_store_error'])

    def test_missing_and_wrong_credentials_are_told_as_the_store_does(self):
        gateway = Gateway(self)
        nothing = {'AWS_ACCESS_KEY_ID': '', 'AWS_SECRET_ACCESS_KEY': '',
                   'AWS_EC2_METADATA_DISABLED': 'true'}
        wrong = {**KEYS, 'AWS_SECRET_ACCESS_KEY': 'wrong'}
        unknown = {**KEYS, 'AWS_ACCESS_KEY_ID': 'nobody'}
        for env, words in ((nothing, 'credentials'), (wrong, 'SignatureDoesNotMatch'),
                           (unknown, 'access key')):
            self.serve(*flags(gateway.endpoint), env=env)
            error = self.put_error(1, 4)
            self.assertIn(words, error['message'] + error['hint'])
            self.assertNotIn('testsecret', self.server.log_text())
            self.server.kill()
            shutil.rmtree(self.directory / 'meta')

    def test_a_wrong_region_is_a_clear_error_or_none(self):
        gateway = Gateway(self)
        words = list(flags(gateway.endpoint))
        words[words.index('us-east-1')] = 'mars-north-1'
        self.serve(*words, env=KEYS)
        done = self.run_nokv('--json', '--deadline', '2s', 'put', '-', '/big', stdin=BODY)
        if done.returncode != 0:
            self.assertIn('region', json.loads(done.stdout)['error']['message'].lower())

    def test_a_store_that_is_down_gives_exit_4_and_names_go_on(self):
        gateway = Gateway(self)
        self.serve(*flags(gateway.endpoint), env=KEYS)
        self.nokv('put', '-', '/f', stdin=BODY)
        gateway.stop()
        self.assertEqual(self.run_nokv('--deadline', '2s', 'cat', '/f').returncode, 4)
        self.put_error(4)

    def test_the_quick_start_preset_warns_of_its_key_pair_elsewhere(self):
        elsewhere = ('--object-backend', 'rustfs', '--object-endpoint', 'http://192.0.2.1:9000')
        without = {'AWS_ACCESS_KEY_ID': '', 'AWS_SECRET_ACCESS_KEY': ''}
        self.serve(*elsewhere, env=without, init=False)
        self.assertIn('development_credentials', self.server.log_text())
        self.server.kill()
        (self.directory / 'log').unlink()
        self.serve('--object-backend', 'rustfs', env=without, init=False)
        text = self.server.log_text()
        self.assertIn('s3 bucket nokv at http://127.0.0.1:9000', text)
        self.assertNotIn('development_credentials', text)

    def test_doctor_looks_at_the_store(self):
        gateway = Gateway(self)
        self.serve(*flags(gateway.endpoint), env=KEYS)
        rows = self.rows(*flags(gateway.endpoint), 'doctor', env=KEYS)
        self.assertNotIn('failed', [row['status'] for row in rows])
        self.assertTrue([row for row in rows if 'exclusive' in row['name']], rows)
        done = self.run_nokv('--json', '--deadline', '2s', *flags(gateway.endpoint, 'missing'),
                             'doctor', env=KEYS)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'missing', done.stdout)

    if set(os.environ.get('NOKV_S3', '').split(',')) & {'s3s-fs', 'all'}:  # ./dev test --s3=all

        def test_doctor_recognises_a_store_that_ignores_conditions(self):
            gateway = Gateway(self, name='s3s-fs')
            self.serve()
            done = self.run_nokv('--json', *flags(gateway.endpoint), 'doctor', env=KEYS)
            self.assertEqual(done.returncode, 1)
            failed = [row for row in map(json.loads, done.stdout.splitlines())
                      if row['status'] == 'failed']
            self.assertIn('If-None-Match', failed[0]['fix'])


if __name__ == '__main__':
    unittest.main()
