#!/usr/bin/env python3
"""The SDK's example program does what docs/sdk.md says, embedded and against a server."""

import os
import pathlib
import subprocess
import unittest

from harness import SOURCE, NokvTest

EXAMPLE = pathlib.Path(os.environ['NOKV_BINARY']).parent / 'sdk_example'


class Sdk(NokvTest):

    def run_example(self, url):
        done = subprocess.run([EXAMPLE, url], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[1:3], ['then: loss 0.9', 'now:  loss 0.4'])
        self.assertRegex(lines[3], r'^/best had 2 events, the next one is after e[0-9a-f]{16}-\d+-0$')
        self.assertRegex(lines[4], r'^/runs has 11 entries at version \d+$')

    def test_the_example_runs_in_a_directory_of_its_own(self):
        self.run_example(f'file://{self.directory}/embedded')

    def test_the_example_runs_against_a_server(self):
        server = self.serve(init=False)
        self.run_example(server.url)
        self.assertEqual(self.nokv('cat', '/best/metrics'), b'loss 0.4\n')

    def test_a_second_run_is_told_that_the_snapshot_exists(self):
        url = f'file://{self.directory}/embedded'
        self.run_example(url)
        again = subprocess.run([EXAMPLE, url], capture_output=True, text=True, timeout=60)
        self.assertEqual(again.returncode, 1)
        self.assertIn('already_exists', again.stderr)

    def test_the_page_shows_the_program_as_it_is(self):
        page = (SOURCE / 'docs/sdk.md').read_text()
        self.assertIn((SOURCE / 'examples/sdk_example.cc').read_text(), page)


if __name__ == '__main__':
    unittest.main()
