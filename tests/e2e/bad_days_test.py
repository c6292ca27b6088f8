#!/usr/bin/env python3
"""Garbage, rot, what is lost, and second servers, with the real binary."""

import os
import random
import socket
import struct
import subprocess
import unittest

from harness import BINARY, NokvTest, Server


class BadDays(NokvTest):

    def test_a_second_server_on_the_directory_is_refused(self):
        self.serve()
        done = subprocess.run([BINARY, '--server-bind', '127.0.0.1:0', '--meta',
                               self.directory / 'meta', 'serve'],
                              capture_output=True, timeout=30, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b'another process has it open', done.stderr)
        self.nokv('put', '-', '/still', stdin=b'fine')

    def test_an_address_that_others_reach_is_refused(self):
        done = subprocess.run([BINARY, '--server-bind', '0.0.0.0:0', '--meta',
                               self.directory / 'meta', 'serve'],
                              capture_output=True, timeout=30, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b'insecure-i-know', done.stderr)

    def test_garbage_closes_only_its_own_connection(self):
        self.serve()
        pick = random.Random(3)
        for i in range(60):
            with socket.create_connection(('127.0.0.1', self.server.port()), 5) as s:
                try:
                    if i % 3 == 0:
                        s.sendall(pick.randbytes(pick.randrange(1, 5000)))
                    elif i % 3 == 1:
                        s.sendall(b'nkv1' + pick.randbytes(4) + struct.pack('<II', 1 << 30, 0))
                    else:
                        s.sendall(b'GET /' + b'x' * pick.randrange(1, 60000))
                except OSError:
                    pass  # closed under us: that is what is asked of it
        self.nokv('put', '-', '/f', stdin=b'x')
        self.assertEqual(self.nokv('cat', '/f'), b'x')
        with open(f'/proc/{self.server.process.pid}/status') as status:
            rss = int(next(line.split()[1] for line in status if line.startswith('VmRSS')))
        self.assertLess(rss, 600_000)

    def test_a_flipped_byte_of_a_body_is_an_error_never_data(self):  # scenario 26
        self.serve()
        body = os.urandom(5 << 20)
        self.nokv('put', '-', '/f', stdin=body)
        blocks = [p for p in (self.directory / 'meta/objects/blobs').rglob('*') if p.is_file()]
        victim = max(blocks, key=lambda p: p.stat().st_size)
        os.chmod(victim, 0o600)
        with open(victim, 'r+b') as f:
            f.seek(1234567)
            byte = f.read(1)[0]
            f.seek(1234567)
            f.write(bytes([byte ^ 1]))
        done = self.run_nokv('cat', '/f')
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'/f', done.stderr)
        self.assertFalse(body[1_300_000:1_400_000] in done.stdout)

    def test_a_damaged_log_frame_before_the_tail_is_named(self):  # scenario 22
        self.serve()
        for i in range(20):
            self.nokv('put', '-', f'/f{i}', stdin=b'x' * 500)
        self.server.kill()
        log = self.directory / 'meta/log'
        segment = max((p for p in log.iterdir() if p.stat().st_size > 1 << 20),
                      key=lambda p: p.read_bytes()[:1 << 20].count(b'/f'))
        with open(segment, 'r+b') as f:
            data = f.read(1 << 20)
            at = data.index(b'/f3')
            f.seek(at)
            f.write(b'/fX')
        with self.assertRaises(AssertionError):
            Server(self.directory).start()
        text = (self.directory / 'log').read_text(errors='replace')
        self.assertIn(segment.name, text)

    def test_a_lost_engine_is_rebuilt_from_the_log(self):
        self.serve()
        for i in range(30):
            self.nokv('put', '-', f'/f{i}', stdin=b'%d' % i)
        self.assertEqual(self.server.stop(), 0)
        engine = self.directory / 'meta/engine'
        for path in engine.iterdir():
            path.unlink()
        self.restart()
        self.assertEqual(self.nokv('cat', '/f29'), b'29')

    def test_a_missing_log_is_never_an_empty_namespace(self):
        self.serve()
        self.nokv('put', '-', '/f', stdin=b'x')
        self.assertEqual(self.server.stop(), 0)
        os.rename(self.directory / 'meta/log', self.directory / 'moved')
        with self.assertRaises(AssertionError):
            Server(self.directory).start()
        os.rename(self.directory / 'moved', self.directory / 'meta/log')
        self.restart()
        self.assertEqual(self.nokv('cat', '/f'), b'x')


if __name__ == '__main__':
    unittest.main()
