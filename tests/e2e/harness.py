"""What end-to-end tests stand on: the built binary, real servers, temporary directories.

Standard library only. The binary is $NOKV_BINARY; every server listens on a free port of
127.0.0.1, is ended by its own pid, and its directory is removed.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get('NOKV_BINARY', str(SOURCE / 'build/release/bin/nokv'))
READY_S = 30


class Server:
    """One `nokv serve` on its own directory; start() again after stop() or kill()."""

    def __init__(self, directory, *flags, env=None, before=None, options=()):
        """`before` runs in the new process before the program does; `options` are those of serve."""
        self.directory = pathlib.Path(directory)
        self.before = before
        self.flags = flags
        self.options = options
        self.env = {**os.environ, 'HOME': str(self.directory), **(env or {})}
        self.process = None
        self.url = None

    def start(self):
        ready = self.directory / 'ready'
        ready.unlink(missing_ok=True)
        self.log = open(self.directory / 'log', 'ab')
        self.process = subprocess.Popen(
            [BINARY, '--server-bind', '127.0.0.1:0', '--meta', self.directory / 'meta',
             '--ready-file', ready, *self.flags, 'serve', *self.options], preexec_fn=self.before,
            stdout=subprocess.PIPE, stderr=self.log, env=self.env)
        end = time.monotonic() + READY_S
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f'the server did not start: {self.log_text()}')
            time.sleep(0.01)
        self.url = ready.read_text().strip()
        return self

    def log_text(self):
        return (self.directory / 'log').read_text(errors='replace')[-4000:]

    def kill(self):
        self.process.kill()
        self.reap()

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.reap()

    def reap(self):
        code = self.process.wait(60)
        self.process.stdout.close()
        self.log.close()
        self.process = None
        return code

    def port(self):
        return int(self.url.rsplit(':', 1)[1])


class NokvTest(unittest.TestCase):

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='nokv-e2e-'))
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.server = None
        self.url = None

    def serve(self, *flags, env=None, init=True, before=None, options=()):
        self.server = Server(self.directory, *flags, env=env, before=before,
                             options=options).start()
        self.addCleanup(self.end_server)
        self.url = self.server.url
        if init:
            self.nokv('init')
        return self.server

    def serve_on_fixed_port(self, *options):
        """A server that comes back where its clients look for it."""
        first = Server(self.directory).start()
        port = first.port()
        first.stop()
        self.server = Server(self.directory, '--server-bind', f'127.0.0.1:{port}', options=options)
        self.addCleanup(self.end_server)
        self.restart()
        self.nokv('init')

    def end_server(self):
        if self.server is not None and self.server.process is not None:
            self.server.kill()

    def restart(self):
        self.server.start()
        self.url = self.server.url

    def run_nokv(self, *words, stdin=None, store=None, env=None):
        """The finished process, whatever its exit code."""
        environment = {**os.environ, 'HOME': str(self.directory), **(env or {})}
        environment['NOKV_STORE'] = store or self.url or ''
        return subprocess.run([BINARY, *map(str, words)], input=stdin, capture_output=True,
                              env=environment, timeout=120, check=False)

    def nokv(self, *words, **more):
        """stdout of a command that has to succeed."""
        done = self.run_nokv(*words, **more)
        self.assertEqual(done.returncode, 0, (words, done.stdout, done.stderr))
        return done.stdout

    def json(self, *words, **more):
        return json.loads(self.nokv('--json', *words, **more))

    def rows(self, *words, **more):
        return [json.loads(line) for line in self.nokv('--json', *words, **more).splitlines()]

    def fails(self, code, *words, **more):
        """The error object of a command that has to fail with `code`."""
        done = self.run_nokv('--json', *words, **more)
        self.assertEqual(done.returncode, code, (words, done.stdout, done.stderr))
        return json.loads(done.stdout.splitlines()[-1])['error']

    def is_sound(self):
        """nokv fsck finds nothing, bodies included."""
        done = self.run_nokv('--json', 'fsck', '--read-data')
        last = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual((done.returncode, last['problems']), (0, 0), done.stdout[-2000:])

    def file(self, name, content):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path
