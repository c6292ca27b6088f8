#!/usr/bin/env python3
"""kill -9 at random moments under load.

NOKV_KILLS says how often (200 without more); NOKV_SEED which moments.
"""

import os
import random
import subprocess
import time
import unittest

from harness import BINARY, NokvTest

LOAD = os.environ.get('NOKV_LOAD', '')
KILLS = int(os.environ.get('NOKV_KILLS', '200'))
SEED = int(os.environ.get('NOKV_SEED', '7'))


def body_of(writer, n):
    """What load.cc writes into /WRITER/N/b."""
    size = 40_000 if n % 8 == 7 else 20 + n % 300
    state, out = n * 1_000_003 + writer, bytearray()
    for _ in range(size):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        out.append(97 + (state >> 33) % 26)
    return bytes(out)


class Kill(NokvTest):

    def load(self, writers, seconds):
        with open(self.directory / 'acknowledged', 'wb') as out, \
                open(self.directory / 'failed', 'wb') as failed:
            process = subprocess.Popen([LOAD, self.url, str(writers), str(seconds)], stdout=out,
                                       stderr=failed)
        self.addCleanup(process.kill)
        return process

    def acknowledged(self):
        lines = (self.directory / 'acknowledged').read_text().splitlines()
        return [tuple(map(int, line.split())) for line in lines]

    def check_everything(self, writers):
        sets = self.acknowledged()
        done = {}
        for writer, n, _ in sets:
            self.assertEqual(n, done.get(writer, -1) + 1)  # in order, each once
            done[writer] = n
        found = {}
        for row in self.rows('tree', '/'):
            if row['kind'] == 'file':
                found[row['path']] = row['size']
        for writer in range(writers):
            last = done.get(writer, -1)
            for n in range(last + 1):
                self.assertEqual(found.pop(f'/{writer}/{n}/a', None), len(str(n)))
                self.assertEqual(found.pop(f'/{writer}/{n}/b', None), len(body_of(writer, n)))
            # The one set that was under way is whole or absent.
            halves = [f'/{writer}/{last + 1}/{name}' in found for name in 'ab']
            self.assertIn(sum(halves), (0, 2))
            for name in 'ab':
                found.pop(f'/{writer}/{last + 1}/{name}', None)
        self.assertEqual(found, {})
        # Bodies of some, read through their checksums: inline ones and stored ones.
        for writer, n, _ in random.Random(SEED).sample(sets, min(60, len(sets))):
            self.assertEqual(self.nokv('cat', f'/{writer}/{n}/b'), body_of(writer, n))
        self.is_sound()
        return len(sets)

    def test_kill_9_at_random_moments_loses_nothing_and_does_nothing_twice(self):
        self.serve_on_fixed_port()
        pick = random.Random(SEED)
        writers = 4
        load = self.load(writers, 1_000_000)
        began = time.monotonic()
        for _ in range(KILLS):
            time.sleep(pick.choice((pick.uniform(0, 0.02), pick.uniform(0, 0.3))))
            self.server.kill()
            self.assertIsNone(load.poll(), (self.directory / 'failed').read_text())
            self.restart()
        # Whoever waited for the last restart is answered.
        before = len(self.acknowledged())
        end = time.monotonic() + 30
        while len(self.acknowledged()) < before + 2 * writers and time.monotonic() < end:
            time.sleep(0.05)
        self.assertIsNone(load.poll(), (self.directory / 'failed').read_text())
        load.kill()
        load.wait()
        sets = self.check_everything(writers)
        self.assertGreater(sets, KILLS)
        print(f'{KILLS} kills in {time.monotonic() - began:.0f} s, {sets} sets acknowledged',
              flush=True)

    def test_the_client_and_the_server_die_together(self):
        self.serve_on_fixed_port()
        pick = random.Random(SEED + 1)
        for _ in range(3):
            load = self.load(2, 1_000_000)
            time.sleep(pick.uniform(0.2, 0.5))
            self.server.kill()
            load.kill()
            load.wait()
            self.restart()
            self.check_everything(2)
            self.nokv('rm', '-rf', '/0', '/1')

    def test_what_a_killed_client_uploaded_is_deleted(self):
        self.serve(options=('--upload-ttl', '3s'))
        objects = lambda: [p for p in (self.directory / 'meta/objects/blobs').rglob('*')
                           if p.is_file()]
        put = subprocess.Popen([BINARY, 'put', '-', '/big'], stdin=subprocess.PIPE,
                               env={**os.environ, 'HOME': str(self.directory),
                                    'NOKV_STORE': self.url})
        put.stdin.write(random.Random(SEED).randbytes(12 << 20))
        put.stdin.flush()
        end = time.monotonic() + 30
        while len(objects()) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        self.assertGreaterEqual(len(objects()), 2)
        put.kill()
        put.wait()
        put.stdin.close()
        while objects() and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(objects(), [])
        self.fails(1, 'stat', '/big')
        found = self.run_nokv('--json', 'fsck', '--read-data', '--orphans')
        self.assertEqual(found.returncode, 0, found.stdout)

    def test_sigterm_under_load_ends_with_0_and_keeps_what_was_acknowledged(self):  # scenario 29
        self.serve_on_fixed_port()
        load = self.load(4, 1_000_000)
        for _ in range(3):
            time.sleep(0.3)
            self.assertEqual(self.server.stop(), 0)
            self.restart()
        self.assertIsNone(load.poll(), (self.directory / 'failed').read_text())
        load.kill()
        load.wait()
        self.assertGreater(self.check_everything(4), 10)


if __name__ == '__main__':
    unittest.main()
