#!/usr/bin/env python3
"""Disks that are full, fail, or hold other bytes than were written."""

import errno
import json
import os
import random
import unittest
import urllib.request

from harness import NokvTest

FAULTS = os.environ.get('NOKV_DISK_FAULTS', '')
BODY = random.Random(3).randbytes(5 << 20)


class Disk(NokvTest):

    def setUp(self):
        super().setUp()
        self.rule = self.directory / 'rule'
        self.env = {'LD_PRELOAD': FAULTS, 'NOKV_DISK_FAULT': str(self.rule)}
        self.assertTrue(os.path.exists(FAULTS))

    def fail_with(self, what, number, part):
        new = self.directory / 'rule.new'
        new.write_text(f'{what} {number} {part}')
        os.rename(new, self.rule)

    def put_until_it_fails(self, prefix):
        """Puts small files; gives those that were acknowledged, and the last error."""
        done = {}
        for i in range(400):
            name, body = f'{prefix}{i}', random.Random(i).randbytes(1000)
            put = self.run_nokv('--json', '--deadline', '1s', 'put', '-', name, stdin=body)
            if put.returncode != 0:
                return done, json.loads(put.stdout)['error'], put.returncode
            done[name] = body
        self.fail('the disk did not fail')

    def after_the_fault(self, acknowledged):
        """The server stopped or refuses; once the disk is well and it was started again, all is
        there."""
        self.rule.unlink()
        if self.server.process.poll() is None:
            self.server.stop()
        else:
            self.server.reap()
        self.restart()
        for name, body in acknowledged.items():
            self.assertEqual(self.nokv('cat', name), body, name)
        self.nokv('put', '-', '/after', stdin=b'fine')
        self.assertEqual(self.nokv('cat', '/after'), b'fine')
        self.is_sound()

    def a_failing_log(self, what, number, words):
        self.serve(env=self.env)
        before = {f'/before{i}': b'%d' % i for i in range(5)}
        for name, body in before.items():
            self.nokv('put', '-', name, stdin=body)
        self.fail_with(what, number, 'meta/log')
        done, error, code = self.put_until_it_fails('/f')
        self.assertIn(code, (1, 4, 5))
        # What was answered is in the log; of the rest only a start can tell.
        self.assertNotEqual(self.server.process.wait(60), 0)
        log = self.server.log_text().lower()
        self.assertIn(words, log)
        if what == 'write':
            self.assertIn('shard_failed', log)
            self.assertIn('the server stopped by itself', log)
        self.after_the_fault({**before, **done})

    def test_a_full_disk_below_the_log_loses_nothing_acknowledged(self):
        self.a_failing_log('write', errno.ENOSPC, 'no space left')

    def test_a_log_whose_write_fails_loses_nothing_acknowledged(self):
        self.a_failing_log('write', errno.EIO, 'input/output error')

    def test_a_log_whose_sync_fails_loses_nothing_acknowledged(self):
        self.a_failing_log('sync', errno.EIO, 'input/output error')

    def a_failing_engine(self, what, number):
        self.serve(env=self.env)
        before = {f'/before{i}': b'%d' % i for i in range(5)}
        for name, body in before.items():
            self.nokv('put', '-', name, stdin=body)
        self.fail_with(what, number, 'meta/engine')
        # The engine writes when it is told to: at a checkpoint, and at the end.
        try:
            urllib.request.urlopen(urllib.request.Request(
                self.url.replace('nokv://', 'http://') + '/checkpoint', method='POST'), timeout=20)
        except OSError:
            pass
        done = {}
        for i in range(5):
            put = self.run_nokv('--deadline', '1s', 'put', '-', f'/f{i}', stdin=b'%d' % i)
            if put.returncode == 0:
                done[f'/f{i}'] = b'%d' % i
        self.after_the_fault({**before, **done})

    def test_a_full_disk_below_the_engine_loses_nothing_acknowledged(self):
        self.a_failing_engine('write', errno.ENOSPC)

    def test_an_engine_whose_sync_fails_loses_nothing_acknowledged(self):
        self.a_failing_engine('sync', errno.EIO)

    def test_a_body_that_finds_the_disk_full_is_not_published(self):
        self.serve(env=self.env)
        for what, number, words in (('write', errno.ENOSPC, 'no space left'),
                                    ('sync', errno.EIO, 'input/output error')):
            self.fail_with(what, number, 'meta/objects')
            # The command writes the blocks itself, for it shares the server's disk, and then asks
            # the server to; neither can.
            done = self.run_nokv('--json', '--deadline', '2s', 'put', '-', '/f', stdin=BODY,
                                 env=self.env)
            self.assertIn(done.returncode, (1, 4), done.stdout)
            error = json.loads(done.stdout)['error']
            self.assertIn(words, error['message'].lower())
            self.assertEqual(error['outcome'], 'not_done')
            self.fails(1, 'stat', '/f')
        self.rule.unlink()
        self.nokv('put', '-', '/f', stdin=BODY)
        self.assertEqual(self.nokv('cat', '/f'), BODY)

    def test_a_full_local_disk_leaves_no_half_of_a_file_that_was_got(self):
        self.serve()
        self.nokv('put', '-', '/f', stdin=BODY)
        target = self.directory / 'got'
        target.mkdir()
        self.fail_with('write', errno.ENOSPC, str(target))
        done = self.run_nokv('get', '/f', target, env=self.env)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'no space left', done.stderr.lower())
        self.assertEqual(list(target.iterdir()), [])

    # ---- other bytes than were written

    def flip(self, path, at=None):
        os.chmod(path, 0o600)
        with open(path, 'r+b') as f:
            size = os.fstat(f.fileno()).st_size
            f.seek(size // 2 if at is None else at)
            byte = f.read(1)[0]
            f.seek(-1, os.SEEK_CUR)
            f.write(bytes([byte ^ 0x40]))

    def test_a_flipped_byte_of_an_engine_file_is_named_and_never_served(self):  # scenario 21
        self.serve()
        files = {f'/f{i}': b'%d' % i * 50 for i in range(60)}
        for name, body in list(files.items())[:20]:
            self.nokv('put', '-', name, stdin=body)
        listing = ''.join(json.dumps({'local': str(self.file(name[1:], body)), 'path': name}) + '\n'
                          for name, body in list(files.items())[20:])
        self.nokv('publish', '--from', '-', stdin=listing.encode())
        self.assertEqual(self.server.stop(), 0)
        tables = sorted((self.directory / 'meta/engine').glob('*.sst'))
        self.assertTrue(tables)
        for table in tables:
            self.flip(table)
        # Rebuilt from the log, or refused; never other bytes.
        try:
            self.restart()
        except AssertionError:
            self.assertIn('.sst', self.server.log_text())
            return
        for name, body in files.items():
            done = self.run_nokv('--deadline', '2s', 'cat', name)
            if done.returncode == 0:
                self.assertEqual(done.stdout, body)
            else:
                self.assertTrue(b'.sst' in done.stderr or '.sst' in self.server.log_text() or
                                b'orrupt' in done.stderr, done.stderr)

    def test_a_flipped_byte_of_an_inline_body_or_a_block_is_named(self):  # scenario 26
        self.serve()
        self.nokv('put', '-', '/big', stdin=BODY)
        blobs = self.directory / 'meta/objects/blobs'
        victim = max((p for p in blobs.rglob('*') if p.is_file()), key=lambda p: p.stat().st_size)
        self.flip(victim, 99)
        done = self.run_nokv('--json', 'cat', '/big')
        self.assertEqual(done.returncode, 1)
        error = json.loads(done.stdout.splitlines()[-1])['error']
        self.assertEqual(error['code'], 'data_loss')
        self.assertIn('/big', error['message'])
        target = self.directory / 'out'
        self.fails(1, 'get', '/big', target)
        self.assertFalse(target.exists())


if __name__ == '__main__':
    unittest.main()
