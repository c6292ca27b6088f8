#!/usr/bin/env python3
"""What depends on who is looking: terminals, colours, progress, interrupts, shells, man."""

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import time
import unittest

from harness import BINARY, NokvTest

ESC = b'\x1b['


class Terminal(NokvTest):

    def setUp(self):
        super().setUp()
        self.serve()

    def on_terminal(self, *words, keys=b'', env=None):
        """Runs it with a terminal for all three; gives (exit code, all that was shown)."""
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update({'HOME': str(self.directory), 'NOKV_STORE': self.url, **(env or {})})
            os.execv(BINARY, [BINARY, *map(str, words)])
        os.write(fd, keys)
        return self.shown(pid, fd)

    def shown(self, pid, fd):
        shown, end = b'', time.monotonic() + 30
        while time.monotonic() < end:
            if select.select([fd], [], [], 0.1)[0]:
                try:
                    data = os.read(fd, 65536)
                except OSError:  # the other side is closed
                    break
                if not data:
                    break
                shown += data
        _, status = os.waitpid(pid, 0)
        os.close(fd)
        return os.waitstatus_to_exitcode(status), shown

    def test_a_terminal_is_asked_before_a_tree_goes_and_nobody_else_is(self):
        for _ in range(2):
            self.nokv('put', '-', '/d/f', stdin=b'x')
            code, shown = self.on_terminal('rm', '-r', '/d', keys=b'n\n')
            self.assertEqual(code, 1)
            self.assertIn(b'remove /d (1 file', shown)
            self.nokv('stat', '/d/f')
            code, shown = self.on_terminal('rm', '-r', '/d', keys=b'y\n')
            self.assertEqual(code, 0, shown)
            self.fails(1, 'stat', '/d/f')
        self.nokv('put', '-', '/d/f', stdin=b'x')
        code, shown = self.on_terminal('rm', '-r', '--yes', '/d')
        self.assertEqual((code, b'[y/N]' in shown), (0, False))
        self.nokv('put', '-', '/d/f', stdin=b'x')
        self.nokv('rm', '-r', '/d', stdin=b'')  # no terminal: done
        self.nokv('snapshot', 'create', 's')
        self.assertEqual(self.on_terminal('snapshot', 'rm', 's', keys=b'n\n')[0], 1)
        self.assertEqual(self.on_terminal('snapshot', 'rm', 's', keys=b'y\n')[0], 0)

    def test_colours_are_for_terminals_that_want_them(self):
        self.nokv('mkdir', '/d')
        self.assertNotIn(ESC, self.nokv('ls', '/'))
        self.assertIn(ESC, self.on_terminal('ls', '/')[1])
        self.assertNotIn(ESC, self.on_terminal('ls', '/', env={'NO_COLOR': '1'})[1])
        self.assertNotIn(ESC, self.on_terminal('ls', '--color', 'never', '/')[1])
        self.assertIn(ESC, self.nokv('ls', '--color', 'always', '/'))

    def test_sizes_are_for_people_unless_bytes_are_asked_for(self):
        self.nokv('put', '-', '/f', stdin=b'x' * 2048)
        self.assertIn(b'2.0 KiB', self.nokv('ls', '-l', '/'))
        self.assertIn(b' 2048 ', self.nokv('ls', '-l', '--bytes', '/'))
        self.assertIn(b' 2048 ', self.nokv('ls', '-l', '/', env={'NOKV_BYTES': 'true'}))

    def slow_put(self, *flags):
        """A put whose standard input takes 2.5 seconds."""
        process = subprocess.Popen([BINARY, *flags, 'put', '-', '/slow'], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env={**os.environ, 'NOKV_STORE': self.url})
        for _ in range(5):
            process.stdin.write(b'x' * 100_000)
            process.stdin.flush()
            time.sleep(0.5)
        out, err = process.communicate()
        self.assertEqual(process.returncode, 0)
        return out, err

    def test_progress_is_a_line_per_second_with_json_and_nothing_without_a_terminal(self):
        out, err = self.slow_put('--json', '--progress')
        self.assertEqual(json.loads(out)['size'], 500_000)
        lines = [json.loads(line)['progress'] for line in err.splitlines()]
        self.assertIn(len(lines), (1, 2, 3))
        for line in lines:
            self.assertEqual(line['what'], 'put')
            self.assertGreater(line['bytes'], 0)
            self.assertIn('bytes_per_s', line)
        self.assertEqual(self.slow_put()[1].count(b'\r'), 0)

    def test_a_terminal_sees_a_bar_and_it_goes_at_the_end(self):
        pipe = 'for i in 1 2 3 4; do head -c 200000 /dev/zero; sleep 0.4; done'
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update({'HOME': str(self.directory), 'NOKV_STORE': self.url})
            os.execvp('bash', ['bash', '-c', f'({pipe}) | {BINARY} put - /slow'])
        shown = self.shown(pid, fd)[1]
        bar = rb'\rput [0-9.]+ [KM]iB  [0-9.]+ [KM]iB/s\x1b\[K'
        self.assertRegex(shown, rb'^(' + bar + rb')+\r\x1b\[K/slow: created, [^\r\n]*\r\n$')
        self.assertLess(shown.count(ESC + b'K'), 30)  # ten a second
        # What is over at once shows none.
        shown = self.on_terminal('put', self.file('f', b'x'), '/f')[1]
        self.assertNotIn(ESC + b'K', shown)

    def test_an_interrupt_leaves_nothing_half_done(self):
        objects = self.directory / 'meta/objects/blobs'
        self.nokv('put', '-', '/kept', stdin=b'old')
        for path in ('/new', '/kept'):
            process = subprocess.Popen([BINARY, 'put', '-', path], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       env={**os.environ, 'NOKV_STORE': self.url})
            process.stdin.write(b'x' * (9 << 20))
            process.stdin.flush()
            end = time.monotonic() + 20
            while not any(p.is_file() for p in objects.rglob('*')):
                self.assertLess(time.monotonic(), end, 'no block was staged')
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            # Although nothing comes any more, and the input stays open.
            err = process.stderr.read()
            self.assertEqual(process.wait(10), 1)
            for pipe in (process.stdin, process.stdout, process.stderr):
                pipe.close()
            self.assertIn(b'interrupted', err)
            # The upload was closed, so what was staged is garbage already.
            self.nokv('gc', '--now', '--grace', '0s')
            self.assertFalse([p for p in objects.rglob('*') if p.is_file()])
        self.fails(1, 'stat', '/new')
        self.assertEqual(self.nokv('cat', '/kept'), b'old')

    def test_tail_follows_until_it_is_interrupted(self):
        self.nokv('put', '-', '/log', stdin=b'1\n2\n')
        process = subprocess.Popen([BINARY, 'tail', '-n', '1', '-f', '/log'],
                                   stdout=subprocess.PIPE,
                                   env={**os.environ, 'NOKV_STORE': self.url})
        self.assertEqual(process.stdout.readline(), b'2\n')
        self.nokv('append', '-', '/log', stdin=b'3\n')
        self.assertEqual(process.stdout.readline(), b'3\n')
        self.nokv('append', '-', '/log', stdin=b'4\n')
        self.assertEqual(process.stdout.readline(), b'4\n')
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10), 0)
        process.stdout.close()

    def test_a_reader_that_leaves_is_no_failure(self):
        self.nokv('put', '-', '/f', stdin=b'line\n' * 1_000_000)
        done = subprocess.run(['bash', '-c', f'set -o pipefail; {BINARY} cat /f | head -n 1'],
                              capture_output=True, env={**os.environ, 'NOKV_STORE': self.url},
                              timeout=30, check=False)
        self.assertEqual((done.stdout, done.stderr), (b'line\n', b''))
        self.assertEqual(done.returncode, 0)

    def test_completions_are_scripts_of_their_shells(self):
        for shell in ('bash', 'zsh', 'fish'):
            script = self.nokv('completion', shell)
            self.assertIn(b'put-artifact', script)
            if shutil.which(shell):
                subprocess.run([shell, '-n', self.file(f'c.{shell}', script)], check=True,
                               capture_output=True, timeout=30)
        words = subprocess.run(
            ['bash', '-c', f'source {self.directory}/c.bash; COMP_WORDS=(nokv snap); COMP_CWORD=1;'
             ' _nokv; echo "${COMPREPLY[@]}"; COMP_WORDS=(nokv snapshot cr); COMP_CWORD=2; _nokv;'
             ' echo "${COMPREPLY[@]}"; COMP_WORDS=(nokv put --rec); COMP_CWORD=2; _nokv;'
             ' echo "${COMPREPLY[@]}"'], check=True, capture_output=True, text=True, timeout=30)
        self.assertEqual(words.stdout.splitlines(), ['snapshot', 'create', '--recursive'])

    def test_man_pages_are_there_for_every_command_and_clean(self):
        pages = self.directory / 'man'
        self.nokv('help', '--man-directory', pages)
        names = sorted(p.name for p in pages.iterdir())
        commands = [line[4:] for line in self.nokv('help', '--markdown').decode().splitlines()
                    if line.startswith('### ')]
        self.assertEqual(names, sorted(['nokv.1'] + [f'nokv-{command.replace(" ", "-")}.1'
                                                     for command in commands]))
        if shutil.which('mandoc'):
            done = subprocess.run(['mandoc', '-T', 'lint', '-W', 'warning', *pages.iterdir()],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.stdout, '')
        elif shutil.which('groff'):
            done = subprocess.run(['groff', '-man', '-ww', '-z', *pages.iterdir()],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.stderr, '')


if __name__ == '__main__':
    unittest.main()
