#!/usr/bin/env python3
"""backup and restore: by the command, while the server serves, and when things die.

NOKV_BACKUP_KILLS says how often something is killed (6 without more); NOKV_SEED when.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

from harness import BINARY, NokvTest, Server

KILLS = int(os.environ.get('NOKV_BACKUP_KILLS', '6'))
SEED = int(os.environ.get('NOKV_SEED', '7'))
LOAD = os.environ.get('NOKV_LOAD', '')


class Backup(NokvTest):

    def setUp(self):
        super().setUp()
        self.objects = self.directory / 'objects'
        self.place = f'file://{self.directory}/backups'

    def start(self, *flags):
        self.serve('--object-root', self.objects, *flags)

    def restore(self, name, *words, place=None):
        """Ends the server, and starts one on what was restored."""
        if self.server.process is not None:
            self.server.stop()
        done = self.json('--meta', self.directory / name, 'restore', '--from',
                         place or self.place, *words)
        shutil.move(self.directory / 'meta', self.directory / f'meta-before-{name}')
        shutil.move(self.directory / name, self.directory / 'meta')
        self.restart()
        return done

    def is_sound(self):
        summary = self.rows('fsck', '--read-data')[-1]
        self.assertEqual(summary['problems'], 0, summary)

    def test_last_nights_backup_after_a_day_of_overwrites_and_collection(self):  # scenario 20
        self.start()
        bodies = {f'/d/{i}': os.urandom(30_000 if i % 3 else 5_000_000) for i in range(12)}
        for path, body in bodies.items():
            self.nokv('put', '-', path, stdin=body)
        self.nokv('snapshot', 'policy', '--moments', 'none', '--undo', '0s')
        made = self.json('backup', '--to', self.place)
        self.assertGreater(made['objects_put'], 2)
        for _ in range(2):
            for path in bodies:
                self.nokv('put', '-', path, stdin=os.urandom(20_000))
            self.nokv('rm', '-r', '/d')
            self.nokv('gc', '--now', '--grace', '0s')
        listed = self.rows('backup', '--ls', '--to', self.place)
        self.assertEqual([row['id'] for row in listed], [made['id']])
        done = self.restore('again')
        self.assertEqual((done['backup'], done['version']), (made['id'], made['log_version']))
        for path, body in bodies.items():
            self.assertEqual(self.nokv('cat', path), body, path)
        self.is_sound()
        # And it goes on: bodies are put, collected, backed up.
        self.nokv('put', '-', '/d/0', stdin=b'x' * 30_000)
        self.nokv('gc', '--now', '--grace', '0s')
        self.json('backup', '--to', self.place)
        self.is_sound()

    def test_backups_by_themselves_and_how_many_are_kept(self):
        self.start('--backup-every', '1s', '--backup-keep', '2')
        seen = set()
        end = time.monotonic() + 60
        while len(seen) < 4:
            self.nokv('put', '-', '/f', stdin=str(len(seen)).encode())
            seen |= {row['id'] for row in self.rows('backup', '--ls')}
            self.assertLess(time.monotonic(), end)
            time.sleep(0.3)
        self.server.stop()  # the last ones are whole
        self.restart()
        self.assertLessEqual(len(self.rows('backup', '--ls')), 3)
        status = self.json('status')
        self.assertEqual((status['backup_to'], status['backup_error']), ('own', ''))
        self.assertGreater(status['backup_version'], 0)
        self.assertIsNotNone(status['backup_time'])
        self.restore('again', place=f'file://{self.objects}/backups')
        self.assertTrue(self.nokv('cat', '/f'))
        self.is_sound()

    def test_a_check_reads_all_and_names_what_is_damaged(self):
        self.start()
        self.nokv('put', '-', '/f', stdin=b'f')
        first = self.json('backup', '--to', self.place)
        self.nokv('put', '-', '/g', stdin=b'g')
        second = self.json('backup', '--to', self.place)
        check = ('restore', '--from', self.place, '--check')
        whole = self.json(*check)
        self.assertEqual((whole['whole'], whole['backups'], whole['problems']), (True, 2, 0))
        parts = list((self.directory / 'backups' / 'files').iterdir())
        self.assertGreaterEqual(whole['objects'], len(parts))
        self.assertIn('whole', self.nokv(*check).decode())
        # Rot that leaves the length alone: the next backup does not see it, the check does.
        part = max(parts, key=lambda it: it.stat().st_size)
        good = part.read_bytes()
        part.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
        done = self.run_nokv(*check, '--json')
        self.assertEqual(done.returncode, 1)
        problem, summary = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertIn(part.name, problem['problem'])
        self.assertTrue(set(problem['backups']) <= {first['id'], second['id']})
        self.assertEqual((summary['whole'], summary['problems']), (False, 1))
        self.assertIn(part.name, self.run_nokv(*check).stdout.decode())
        # The next backup puts it again once it is gone.
        part.unlink()
        self.assertEqual(self.run_nokv(*check).returncode, 1)
        self.nokv('put', '-', '/h', stdin=b'h')
        self.json('backup', '--to', self.place)
        self.assertEqual(part.read_bytes(), good)
        self.assertTrue(self.json(*check)['whole'])
        self.fails(2, *check, '--at', 'v1')
        self.assertIn('no backup', self.fails(
            1, 'restore', '--from', f'file://{self.directory}/none', '--check')['message'])

    def test_errors_say_what_is_wrong(self):
        self.start()
        self.nokv('put', '-', '/f', stdin=b'f')
        self.assertIn('file:///DIR',
                      self.fails(1, 'backup', '--to', 'ftp://x')['hint'])
        self.assertIn('no backup', self.fails(1, 'backup', '--rm', 'none')['message'])
        self.fails(2, 'restore')
        self.fails(2, 'restore', '--from', 'nonsense')
        other = self.directory / 'other'
        self.assertIn('no backup', self.fails(1, '--meta', other, 'restore', '--from',
                                              self.place)['message'])
        self.assertFalse(other.exists())
        made = self.json('backup', '--to', self.place)
        self.assertIn('not empty', self.fails(
            1, '--meta', self.directory / 'meta', 'restore', '--from', self.place)['message'])
        self.assertIn('reaches', self.fails(1, '--meta', other, 'restore', '--from', self.place,
                                            '--at', 'v1000000')['message'])
        manifest = self.directory / 'backups' / 'manifests' / made['id']
        whole = manifest.read_bytes()
        manifest.write_bytes(whole[:-1])
        for words in (('backup', '--to', self.place),
                      ('--meta', other, 'restore', '--from', self.place)):
            self.assertIn(made['id'], self.fails(1, *words)['message'])
        # A place that lost them may be a disk that is not mounted.
        aside = self.directory / 'aside'
        shutil.move(self.directory / 'backups', aside)
        self.assertIn('mounted', self.fails(1, 'backup', '--to', self.place)['hint'])
        self.assertIn('--forget', self.fails(1, 'backup', '--ls', '--to', self.place)['hint'])
        shutil.rmtree(self.directory / 'backups')
        shutil.move(aside, self.directory / 'backups')
        # What cannot be read can be removed.
        self.assertEqual(self.rows('backup', '--rm', made['id'], '--to', self.place), [])
        self.assertEqual(list((self.directory / 'backups' / 'files').iterdir()), [])
        self.json('backup', '--to', self.place)
        shutil.rmtree(self.directory / 'backups')
        self.nokv('backup', '--forget', '--to', self.place)
        self.json('backup', '--to', self.place)

    def test_an_embedded_namespace_is_backed_up_too(self):
        store = f'file://{self.directory}/ns'
        self.nokv('init', store=store)
        self.nokv('put', '-', '/f', stdin=b'f' * 20_000, store=store)
        self.nokv('backup', '--to', self.place, store=store)
        again = self.directory / 'again'
        self.nokv('--meta', again, 'restore', '--from', self.place)
        shutil.copytree(self.directory / 'ns' / 'objects', again / 'objects')
        self.assertEqual(self.nokv('cat', '/f', store=f'file://{again}'), b'f' * 20_000)

    def start_command(self, *words):
        environment = {**os.environ, 'HOME': str(self.directory), 'NOKV_STORE': self.url or ''}
        process = subprocess.Popen([BINARY, *map(str, words)], env=environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        return process

    def test_kill_9_during_a_backup_leaves_whole_ones_only(self):
        self.start()
        pick = random.Random(SEED)
        want = {}
        for round_ in range(KILLS):
            for i in range(8):
                want[f'/{round_}/{i}'] = body = pick.randbytes(pick.choice((10, 12_000, 40_000)))
                self.nokv('put', '-', f'/{round_}/{i}', stdin=body)
            backup = self.start_command('backup', '--to', self.place)
            time.sleep(pick.uniform(0, 0.15))
            self.server.kill()
            backup.kill()
            backup.wait()
            self.restart()
            self.nokv('gc', '--now', '--grace', '0s')
        # Each that is listed can be restored, and the next one is made.
        listed = self.rows('backup', '--ls', '--to', self.place)
        last = self.json('backup', '--to', self.place)
        self.server.stop()
        for row in listed:
            target = self.directory / f"to-{row['id']}"
            done = self.json('--meta', target, 'restore', '--from', self.place, '--at', row['id'])
            self.assertEqual(done['version'], row['log_version'])
            shutil.rmtree(target)
        self.restore('again')
        for path, body in want.items():
            self.assertEqual(self.nokv('cat', path), body)
        self.is_sound()

    def test_kill_9_during_a_restore_is_mended_by_the_next(self):
        self.start()
        pick = random.Random(SEED + 1)
        for i in range(40):
            self.nokv('put', '-', f'/f{i}', stdin=pick.randbytes(9_000))
        self.json('backup', '--to', self.place)
        self.server.stop()
        target = self.directory / 'again'
        cut_off = 0
        for _ in range(KILLS):
            restore = self.start_command('--meta', target, 'restore', '--from', self.place)
            time.sleep(pick.uniform(0, 0.2))
            restore.kill()
            restore.wait()
            if (target / 'restoring').exists():
                cut_off += 1
                refused = self.run_nokv('ls', '/', store=f'file://{target}')
                self.assertEqual(refused.returncode, 1)
                self.assertIn(b'restore', refused.stderr)
            elif (target / 'identity').exists():
                shutil.rmtree(target)
        if target.exists() and (target / 'identity').exists():
            shutil.rmtree(target)
        self.restore('again')
        self.assertEqual(len(self.rows('ls', '/')), 40)
        self.is_sound()

    def test_a_backup_under_load_is_of_one_state(self):
        self.start()
        load = subprocess.Popen([LOAD, self.url, '3', '1000000'], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        self.addCleanup(load.kill)
        for _ in range(3):
            time.sleep(0.3)
            self.json('backup', '--to', self.place)
        load.kill()
        load.wait()
        self.restore('again')
        for writer in range(3):
            # Both files of a set, or none.
            names = {row['path'] for row in self.rows('tree', f'/{writer}')
                     if row['kind'] == 'file'}
            for path in names:
                other = path[:-1] + ('b' if path.endswith('a') else 'a')
                self.assertIn(other, names)
        self.is_sound()


if __name__ == '__main__':
    unittest.main()
