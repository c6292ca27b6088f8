#!/usr/bin/env python3
"""Names and sizes at their limits, and beyond: an error that names the limit, nothing changed."""

import json
import unittest

from harness import NokvTest


class Names(NokvTest):

    def setUp(self):
        super().setUp()
        self.serve()

    def refused(self, limit, *words, codes=(1, 2), **more):
        done = self.run_nokv('--json', *words, **more)
        self.assertIn(done.returncode, codes, (words[:1], done.stdout[:300]))
        error = json.loads(done.stdout.splitlines()[-1])['error']
        self.assertIn(str(limit), error['message'] + error['hint'], error)

    def test_names_paths_depth_and_targets_have_limits_that_errors_name(self):
        self.nokv('put', '-', '/' + 'n' * 255, stdin=b'x')
        self.refused(255, 'put', '-', '/' + 'n' * 256, stdin=b'x')
        self.refused(255, 'mkdir', '/' + 'n' * 256)
        self.refused(4096, 'mkdir', '-p', '/' + 'a/' * 2100)
        self.nokv('mkdir', '-p', '/a' * 1000)
        self.refused(1024, 'mkdir', '-p', '/b' * 1100)
        self.nokv('ln', '-s', 't' * 4095, '/l')
        self.refused(4095, 'ln', '-s', 't' * 4096, '/l2')

    def test_attributes_labels_and_sets_have_limits_that_errors_name(self):
        self.nokv('put', '-', '/f', stdin=b'x')
        self.nokv('xattr', 'set', '/f', 'user.a', 'v' * 40_000)
        self.refused(65536, 'xattr', 'set', '/f', 'user.b', 'v' * 40_000)
        self.assertEqual(len(self.nokv('xattr', 'get', '/f', 'user.a')), 40_000)
        self.refused(255, 'xattr', 'set', '/f', 'user.' + 'n' * 300, 'v')
        self.refused(255, 'snapshot', 'create', 's', '--label', 'k=' + 'v' * 256)
        self.refused(255, 'snapshot', 'create', 's' * 256)
        line = '{"remove": "/f"}\n'
        self.refused(4096, 'publish', '--from', '-', stdin=(line * 4097).encode())
        self.nokv('stat', '/f')

    def test_what_a_rename_put_below_the_deepest_level_comes_back_and_goes(self):
        self.nokv('mkdir', '-p', '/a' * 900)
        self.nokv('mkdir', '-p', '/b' * 200)
        deep = '/a' * 900 + '/b'
        self.nokv('mv', '/b', deep)
        self.refused(1024, 'stat', deep + '/b' * 199)
        self.assertEqual(self.json('du', '/')['totals']['directories'], 1100)
        self.nokv('mv', deep, '/back')
        self.nokv('stat', '/back' + '/b' * 199)
        self.nokv('mv', '/back', deep)
        self.nokv('rm', '-r', '/a')
        self.assertEqual(self.rows('ls', '/'), [])

    def test_odd_names_and_sizes_go_through_every_verb(self):  # scenario 27
        block = 4 << 20
        names = {'empty': b'', 'x' * 255: b'y', '\\xff\\xfe': b'z', 'sp ace': b's',
                 "quo'te": b'q', 'new\\x0aline': b'n', 'block': bytes(block),
                 'more': bytes(block + 1), '-dash': b'd'}
        for name, body in names.items():
            path = f'/d/{name}'
            self.nokv('put', '-', path, stdin=body)
            self.assertEqual(self.nokv('cat', path), body, name)
            self.nokv('get', path, self.directory / 'got')
            self.assertEqual((self.directory / 'got').read_bytes(), body)
            self.nokv('cp', path, '/d/copy')
            self.nokv('mv', '/d/copy', '/d/moved')
            self.assertEqual(self.nokv('cat', '/d/moved'), body)
            self.nokv('append', '-', '/d/moved', stdin=b'tail')
            self.assertEqual(self.nokv('tail', '-c', '4', '/d/moved'), b'tail')
            self.nokv('rm', '/d/moved')
            self.nokv('chmod', '600', path)
            self.nokv('xattr', 'set', path, 'user.k', '')
            self.assertEqual(self.json('stat', path)['size'], len(body))
        self.nokv('snapshot', 'create', 's')
        self.assertEqual(len(self.rows('ls', '/d', '--at', 's')), len(names))
        self.is_sound()
        undo = self.json('rm', '/d/\\xff\\xfe')['undo']
        self.assertIn('xff', undo)


if __name__ == '__main__':
    unittest.main()
