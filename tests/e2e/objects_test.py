#!/usr/bin/env python3
"""Bad days of object stores: errors in time, nothing published, names go on, never wrong bytes."""

import json
import os
import random
import subprocess
import time
import unittest

from harness import BINARY, NokvTest
from s3 import BUCKET, KEYS, Gateway, Proxy, flags

BODY = random.Random(5).randbytes(9 << 20)  # three blocks


class Objects(NokvTest):

    def start(self):
        self.gateway = Gateway(self)
        self.proxy = Proxy(self, self.gateway.endpoint)
        self.serve(*flags(self.proxy.endpoint), env=KEYS)

    def blob_fault(self, fault, method='PUT', after=0):
        """`fault` for requests for blocks, from the one after `after` on."""
        seen = [0]

        def decide(asked, path):
            if asked != method or '/blobs/' not in path:
                return None
            seen[0] += 1
            return fault if seen[0] > after else None
        self.proxy.fault = decide

    def refused_put(self, *codes):
        """A put that fails; gives its error, and how long it took."""
        began = time.monotonic()
        done = self.run_nokv('--json', '--deadline', '2s', 'put', '-', '/f', stdin=BODY)
        self.assertIn(done.returncode, codes, (done.stdout, done.stderr))
        return json.loads(done.stdout)['error'], time.monotonic() - began

    def nothing_was_published_and_names_go_on(self):
        self.fails(1, 'stat', '/f')
        self.nokv('put', '-', '/small', stdin=b'inline')
        self.assertEqual(self.nokv('cat', '/small'), b'inline')
        # What was staged is garbage, and goes once the store works again.
        self.proxy.fault = lambda method, path: None
        self.nokv('gc', '--now', '--grace', '0s')
        self.assertEqual(self.gateway.blocks(), [])
        self.nokv('put', '-', '/f', stdin=BODY)
        self.assertEqual(self.nokv('cat', '/f'), BODY)

    def test_a_storm_of_503_is_weathered(self):
        self.start()
        pick = random.Random(1)
        self.proxy.fault = lambda method, path: \
            ('status', 503) if '/blobs/' in path and pick.random() < 0.4 else None
        self.nokv('put', '-', '/f', stdin=BODY)
        self.assertEqual(self.nokv('cat', '/f'), BODY)
        self.assertGreater(len(self.proxy.seen), 8)

    def test_a_store_that_answers_503_for_ever_ends_in_time(self):
        self.start()
        self.blob_fault(('status', 503), after=1)
        error, took = self.refused_put(4)
        self.assertIn('503', error['message'])
        self.assertLess(took, 8)
        self.nothing_was_published_and_names_go_on()

    def test_a_store_that_is_too_slow_ends_in_time(self):
        self.start()
        self.blob_fault(('slow', 20), after=1)
        error, took = self.refused_put(4)
        self.assertLess(took, 8)
        self.assertEqual(error['outcome'], 'not_done')
        self.proxy.fault = lambda method, path: None
        self.fails(1, 'stat', '/f')
        self.nokv('put', '-', '/f', stdin=BODY)
        self.assertEqual(self.nokv('cat', '/f'), BODY)

    def test_a_store_that_drops_connections_ends_in_time(self):
        self.start()
        self.blob_fault(('drop',), after=1)
        _, took = self.refused_put(4)
        self.assertLess(took, 8)
        self.nothing_was_published_and_names_go_on()

    def never_wrong(self, *words, codes=(1, 4)):
        """A read that fails, having given nothing but the file's beginning."""
        done = self.run_nokv('--deadline', '2s', *words)
        self.assertIn(done.returncode, codes, done.stderr)
        self.assertTrue(BODY.startswith(done.stdout))
        self.assertLess(len(done.stdout), len(BODY))
        self.assertIn(b'/f', done.stderr)

    def test_a_body_that_is_cut_short_is_an_error_never_data(self):
        self.start()
        self.nokv('put', '-', '/f', stdin=BODY)
        self.blob_fault(('cut',), 'GET', after=1)
        self.never_wrong('cat', '/f')
        target = self.directory / 'out'
        self.assertNotEqual(self.run_nokv('--deadline', '2s', 'get', '/f', target).returncode, 0)
        self.assertFalse(target.exists())
        # Once is no reason to fail.
        cuts = iter([('cut',)])
        self.proxy.fault = lambda method, path: next(cuts, None) if '/blobs/' in path else None
        self.assertEqual(self.nokv('cat', '/f'), BODY)

    def test_the_wrong_object_is_an_error_never_data(self):  # scenario 26
        self.start()
        self.nokv('put', '-', '/f', stdin=BODY)
        wrong = self.gateway.blocks()[1]
        self.blob_fault(('other', wrong), 'GET')
        self.never_wrong('cat', '/f')

    def test_an_object_that_the_store_kept_half_of_is_an_error_never_data(self):  # scenario 26
        self.start()
        self.nokv('put', '-', '/f', stdin=BODY)
        os.truncate(self.gateway.blocks()[1], 1 << 20)
        self.never_wrong('cat', '/f')

    def test_an_object_that_is_gone_is_named(self):
        self.start()
        self.nokv('put', '-', '/f', stdin=BODY)
        os.unlink(self.gateway.blocks()[2])
        self.never_wrong('cat', '/f', codes=(1,))

    def test_a_store_that_is_down_at_the_start_serves_names_until_it_is_back(self):
        self.gateway = Gateway(self)
        self.proxy = Proxy(self, self.gateway.endpoint)
        self.proxy.fault = lambda method, path: ('drop',)
        self.serve(*flags(self.proxy.endpoint), env=KEYS)
        self.nokv('put', '-', '/small', stdin=b'inline')
        self.assertIn('object_store_fails', self.server.log_text())
        self.assertNotEqual(self.json('status')['object_store_error'], '')
        failed = [row for row in self.rows_of_failing('doctor') if row['status'] == 'failed']
        self.assertEqual([row['name'] for row in failed], ["server's store"])
        error, _ = self.refused_put(4)
        self.assertIn(self.proxy.endpoint, error['message'])
        self.proxy.fault = lambda method, path: None
        self.nokv('put', '-', '/f', stdin=BODY)
        self.assertEqual(self.nokv('cat', '/f'), BODY)
        self.assertEqual(self.json('status')['object_store_error'], '')

    def rows_of_failing(self, *words):
        done = self.run_nokv('--json', *words)
        self.assertEqual(done.returncode, 1)
        return [json.loads(line) for line in done.stdout.splitlines()]

    # ---- whose the prefix is

    def second(self, *more):
        """How a server on an empty directory of its own ends or starts with those flags."""
        ready = self.directory / 'second-ready'
        process = subprocess.Popen(
            [BINARY, '--server-bind', '127.0.0.1:0', '--meta', self.directory / 'second',
             '--ready-file', ready, *more, 'serve'], stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, env={**os.environ, **KEYS})
        end = time.monotonic() + 30
        while process.poll() is None and not ready.exists() and time.monotonic() < end:
            time.sleep(0.02)
        if process.poll() is None:
            process.kill()
        text = process.communicate()[1]
        return process.returncode, text

    def test_a_prefix_that_holds_the_bodies_of_another_namespace_is_refused(self):
        self.gateway = Gateway(self)
        self.serve(*flags(self.gateway.endpoint), env=KEYS)
        self.nokv('put', '-', '/f', stdin=BODY)
        code, text = self.second(*flags(self.gateway.endpoint))
        self.assertEqual(code, 1)
        self.assertIn(b'another namespace', text)
        self.assertIn(b'--object-root', text)
        # A prefix of its own is fine, and so is coming back.
        code, _ = self.second(*flags(self.gateway.endpoint, BUCKET, '--object-root', 'other'))
        self.assertEqual(code, -9)
        self.assertEqual(self.server.stop(), 0)
        self.restart()
        self.assertEqual(self.nokv('cat', '/f'), BODY)

    def test_a_directory_that_holds_the_bodies_of_another_namespace_is_refused(self):
        shared = ('--object-root', str(self.directory / 'bodies'))
        self.serve(*shared)
        self.nokv('put', '-', '/f', stdin=BODY)
        code, text = self.second(*shared)
        self.assertEqual(code, 1)
        self.assertIn(b'another namespace', text)


if __name__ == '__main__':
    unittest.main()
