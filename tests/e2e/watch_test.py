#!/usr/bin/env python3
"""nokv watch: as a user runs it, over deaths of the server."""

import json
import os
import signal
import subprocess
import time
import unittest
import urllib.request

from harness import BINARY, NokvTest, Server


class Watch(NokvTest):

    def watch(self, *words, store=None):
        """A running `nokv --json watch`; ended by its pid."""
        process = subprocess.Popen(
            [BINARY, '--json', 'watch', *map(str, words)], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
            env={**os.environ, 'HOME': str(self.directory), 'NOKV_STORE': store or self.url})
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def newest(self):
        return f'v{self.json("status")["version"]}'

    def put(self, path, content=b'x'):
        return self.json('put', '-', path, stdin=content)

    def told(self, *words):
        return [(row['change'], row['path'])
                for row in self.rows('watch', *words, '--timeout', '0s')]

    def test_events_are_told_as_they_happen_with_all_their_fields(self):
        self.serve()
        self.nokv('mkdir', '/d')
        since = self.newest()
        watch = self.watch('/d', '--since', since, '--count', '3')
        first = self.put('/d/f', b'hello')
        row = json.loads(watch.stdout.readline())
        self.assertEqual(set(row), {
            'cursor', 'change', 'covers_subtree', 'path', 'old_path', 'id', 'kind', 'generation',
            'old_generation', 'size', 'time', 'principal', 'version'})
        self.assertEqual((row['change'], row['path'], row['kind'], row['size']),
                         ('created', '/d/f', 'file', 5))
        self.assertEqual(row['generation'], first['generation'])
        self.assertEqual(row['version'], first['version'])
        self.assertIs(row['covers_subtree'], False)
        self.put('/d/f', b'hello again')
        row = json.loads(watch.stdout.readline())
        self.assertEqual((row['change'], row['old_generation'], row['size']),
                         ('published', first['generation'], 11))
        self.nokv('mv', '/d', '/e')
        row = json.loads(watch.stdout.readline())
        self.assertEqual((row['change'], row['old_path'], row['path'], row['covers_subtree']),
                         ('renamed', '/d', '/e', True))
        self.assertEqual(watch.wait(20), 0)

    def test_since_is_a_cursor_oldest_a_version_a_time_or_a_snapshot(self):
        self.serve()
        self.nokv('mkdir', '/a')
        self.nokv('snapshot', 'create', 'before')
        version = self.newest()
        self.nokv('mkdir', '/b')
        self.nokv('mkdir', '/c')
        rows = self.rows('watch', '/', '--since', 'oldest', '--timeout', '0s')
        self.assertEqual([row['path'] for row in rows if row['change'] == 'created'],
                         ['/a', '/b', '/c'])
        for i, row in enumerate(rows):
            self.assertEqual(
                self.rows('watch', '/', '--since', row['cursor'], '--timeout', '0s'), rows[i + 1:])
        after = [('created', '/b'), ('created', '/c')]
        self.assertEqual(self.told('/', '--since', version), after)
        self.assertEqual(self.told('/', '--since', 'before'), [('snapshot_created', '/'), *after])
        self.assertEqual(len(self.told('/', '--since', '1h')), len(rows))
        self.assertEqual(self.told('/', '--since', '1h', '--kinds', 'snapshot_created,removed'),
                         [('snapshot_created', '/')])
        self.assertEqual(self.told('/b', '--since', 'oldest'), [('created', '/b')])
        self.assertEqual(self.told('/', '--since', 'oldest', '--count', '1'), [('created', '/a')])

    def test_depth_and_text(self):
        self.serve()
        since = self.newest()
        self.nokv('mkdir', '-p', '/a/b/c')
        self.assertEqual(self.told('/a', '--since', since, '--no-recursive'),
                         [('created', '/a'), ('created', '/a/b')])
        done = self.run_nokv('watch', '/a', '--since', since, '--timeout', '0s')
        lines = done.stdout.decode().splitlines()
        self.assertEqual(len(lines), 3)
        self.assertRegex(lines[2], r'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  created  /a/b/c/$')
        cursor = done.stderr.decode().splitlines()[-1].split()[-1]
        self.assertEqual(self.told('/a', '--since', cursor), [])

    def test_what_is_wrong_is_told(self):
        self.serve()
        self.assertEqual(self.fails(2, 'watch', '/', '--kinds', 'made')['code'],
                         'invalid_argument')
        self.fails(2, 'watch', '/', '--count', '0')
        self.fails(2, 'watch', 'relative')
        self.fails(1, 'watch', '/', '--since', 'nonsense')
        self.fails(1, 'watch', '/', '--since', 'v999999')
        log = self.rows('watch', '/', '--since', 'oldest', '--count', '1', '--timeout', '0s')
        self.assertEqual(log, [])
        error = self.fails(1, 'watch', '/', '--since', 'e0123456789abcdef-3-0')
        self.assertEqual(error['code'], 'cursor_too_old')
        self.assertRegex(error['hint'], 'e[0-9a-f]{16}-1-0')
        self.server.kill()
        self.fails(4, 'watch', '/', '--deadline', '300ms')

    def test_exec_gets_each_event_and_its_failures_are_told(self):
        self.serve()
        since = self.newest()
        self.put("/it's", b'12345')
        self.nokv('mv', "/it's", '/new name')
        out = self.directory / 'out'
        command = f'cat >> {out}; printf "%s|%s|%s\\n" "$NOKV_EVENT_CHANGE" ' \
                  f'"$NOKV_EVENT_OLD_PATH" "$NOKV_EVENT_PATH"'
        done = self.run_nokv('watch', '/', '--since', since, '--timeout', '0s', '--exec', command)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.decode(),
                         "created||/it's\nrenamed|/it's|/new name\n")
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        self.assertEqual([row['change'] for row in rows], ['created', 'renamed'])
        self.assertEqual(rows, self.rows('watch', '/', '--since', since, '--timeout', '0s'))
        fails = 'test "$NOKV_EVENT_CHANGE" = created'
        done = self.run_nokv('watch', '/', '--since', since, '--timeout', '0s', '--exec', fails)
        self.assertEqual(done.returncode, 3)
        self.assertIn(rows[1]['cursor'], done.stderr.decode())
        done = self.run_nokv('watch', '/', '--since', since, '--timeout', '0s', '--exec', 'exit 7')
        self.assertEqual(done.returncode, 1)

    def fixed_port_server(self, *flags):
        first = Server(self.directory).start()
        port = first.port()
        first.stop()
        self.server = Server(self.directory, '--server-bind', f'127.0.0.1:{port}')
        self.addCleanup(self.end_server)
        self.restart()
        self.nokv('init')

    def test_a_watch_outlives_kill_9_and_restarts_and_misses_nothing(self):
        self.fixed_port_server()
        since = self.newest()
        total = 60
        watch = self.watch('/', '--since', since, '--count', total, '--deadline', '30s')
        for i in range(total):
            self.put(f'/f{i}')
            if i % 15 == 7:
                self.server.kill()
                self.restart()
            elif i % 15 == 14:
                self.assertEqual(self.server.stop(), 0)
                self.restart()
        out, err = watch.communicate(timeout=60)
        self.assertEqual(watch.returncode, 0, err)
        rows = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([row['path'] for row in rows], [f'/f{i}' for i in range(total)])
        # A watcher that died itself goes on from the cursor it kept.
        self.assertEqual(self.rows('watch', '/', '--since', rows[20]['cursor'], '--timeout', '0s'),
                         rows[21:])

    def test_a_stop_with_watchers_does_not_wait_for_them(self):
        self.serve()
        for _ in range(3):
            self.watch('/', '--deadline', '1s')
        end = time.monotonic() + 20
        while 'nokv_watch_watchers 3' not in self.metrics() and time.monotonic() < end:
            time.sleep(0.02)
        began = time.monotonic()
        self.assertEqual(self.server.stop(), 0)
        self.assertLess(time.monotonic() - began, 5)

    def metrics(self):
        with urllib.request.urlopen(f'http://127.0.0.1:{self.server.port()}/metrics') as page:
            return page.read().decode()

    def test_an_interrupt_ends_it_with_0(self):
        self.serve()
        since = self.newest()
        watch = self.watch('/', '--since', since)
        self.put('/f')
        self.assertEqual(json.loads(watch.stdout.readline())['path'], '/f')
        watch.send_signal(signal.SIGINT)
        self.assertEqual(watch.wait(20), 0)

    def test_a_cursor_that_the_log_has_left_behind_is_told_the_oldest(self):
        self.serve(options=('--events-kept', '0s'))
        first = self.put('/first')
        rows = self.rows('watch', '/', '--since', 'oldest', '--timeout', '0s')
        self.assertEqual(rows[-1]['version'], first['version'])
        # Two checkpoints beyond more than a segment each, so that the first one goes.
        tree = self.directory / 'tree'
        for round_number in range(3):
            for i in range(4500):
                self.file(f'tree/{round_number}/{i}', os.urandom(16_000))
            self.nokv('put', '-r', tree / str(round_number), f'/r{round_number}')
            self.checkpoint()
        error = self.fails(1, 'watch', '/', '--since', rows[-1]['cursor'])
        self.assertEqual(error['code'], 'cursor_too_old', error)
        oldest = error['hint'].split('oldest cursor is ')[1].split(';')[0]
        again = self.rows('watch', '/', '--since', oldest, '--timeout', '0s')
        self.assertTrue(again)
        self.assertEqual(again, self.rows('watch', '/', '--since', 'oldest', '--timeout', '0s'))

    def checkpoint(self):
        request = urllib.request.Request(f'http://127.0.0.1:{self.server.port()}/checkpoint',
                                         method='POST')
        with urllib.request.urlopen(request) as page:
            self.assertEqual(page.status, 200)

    def test_an_embedded_namespace_is_watched_the_same_way(self):
        store = f'file://{self.directory}/embedded'
        self.nokv('init', store=store)
        self.nokv('mkdir', '/a', store=store)
        rows = self.rows('watch', '/', '--since', 'oldest', '--timeout', '100ms', store=store)
        self.assertEqual([row['path'] for row in rows], ['/a'])

    def test_tail_f_writes_what_is_appended_at_once(self):
        self.serve()
        self.put('/log', b'one\n')
        self.nokv('ln', '-s', '/log', '/link')
        for path in ('/log', '/link'):
            tail = subprocess.Popen([BINARY, 'tail', '-f', '-n', '1', path], stdout=subprocess.PIPE,
                                    env={**os.environ, 'NOKV_STORE': self.url})
            self.addCleanup(tail.stdout.close)
            self.addCleanup(tail.wait)
            self.addCleanup(tail.kill)
            tail.stdout.readline()
            waited = []
            for _ in range(7):
                self.nokv('append', '-', '/log', stdin=b'two\n')
                began = time.monotonic()
                self.assertEqual(tail.stdout.readline(), b'two\n')
                waited.append(time.monotonic() - began)
            # Looking now and then would take a quarter of a second.
            if path == '/log':
                self.assertLess(sorted(waited)[3], 0.15)
            tail.send_signal(signal.SIGINT)
            self.assertEqual(tail.wait(20), 0)


if __name__ == '__main__':
    unittest.main()
