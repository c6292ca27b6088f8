#!/usr/bin/env python3
"""The same commands over every way to a namespace: TCP, a unix socket, a directory."""

import unittest

from harness import NokvTest

BODY = b'0123456789' * 3000


class Stores(NokvTest):

    def every_command(self):
        """One of each, with what it has to answer."""
        local = self.file('local', BODY)
        self.file('tree/a/b', b'b')
        self.nokv('status')
        self.nokv('mkdir', '-p', '/d/e')
        self.nokv('put', local, '/d/f')
        self.nokv('put', '-r', self.directory / 'tree', '/t')
        self.nokv('put-artifact', '/runs/1/c', local)
        self.nokv('append', local, '/d/f')
        self.assertEqual(self.nokv('cat', '/d/f'), BODY + BODY)
        self.assertEqual(self.nokv('head', '-c', '10', '/d/f'), b'0123456789')
        self.assertEqual(self.nokv('tail', '-c', '3', '/d/f'), b'789')
        self.nokv('get', '/d/f', self.directory / 'got')
        self.assertEqual((self.directory / 'got').read_bytes(), BODY + BODY)
        self.nokv('get', '-r', '/t', str(self.directory / 'got-tree') + '/')
        self.nokv('snapshot', 'create', 's')
        self.nokv('cp', '-r', '/d', '/copy')
        self.nokv('mv', '/copy/f', '/g')
        self.nokv('ln', '-s', 'g', '/l')
        self.nokv('ln', '/g', '/h')
        self.nokv('touch', '/new')
        self.nokv('chmod', '600', '/g')
        self.nokv('chown', '1:1', '/g')
        self.nokv('xattr', 'set', '/g', 'user.k', 'v')
        self.assertEqual(self.nokv('xattr', 'get', '/g', 'user.k'), b'v')
        self.assertEqual(self.nokv('xattr', 'ls', '/g'), b'user.k\n')
        self.nokv('xattr', 'rm', '/g', 'user.k')
        self.nokv('put', '-', '/text', stdin=b'one two')
        self.nokv('edit', '/text', '--old', 'two', '--new', '2')
        self.assertEqual(self.nokv('cat', '/text'), b'one 2')
        self.nokv('publish', f'{local}=/p/1', '--remove', '/new', '--move', '/g=/p/g')
        self.assertEqual([row['name'] for row in self.rows('ls', '/p')], ['1', 'g'])
        self.assertIn(b'-- text\n'.replace(b'-', '─'.encode()), self.nokv('tree', '/'))
        self.assertEqual(self.json('stat', '/p/1')['size'], len(BODY))
        self.assertEqual(self.json('du', '/p')['totals']['files'], 2)
        self.nokv('rm', '-r', '/d')
        self.assertEqual(self.nokv('cat', '/d/f', '--at', 's'), BODY + BODY)
        self.nokv('undelete', '/d/f')
        self.assertGreaterEqual(len(self.rows('log', '/d/f')), 1)
        self.nokv('snapshot', 'renew', 's')
        self.nokv('snapshot', 'policy')
        self.nokv('snapshot', 'rm', 's')
        self.nokv('gc', '--now')
        self.assertNotIn('failed', [row['status'] for row in self.rows('doctor')])
        self.fails(1, 'cat', '/missing')
        self.fails(2, 'cat')
        self.is_sound()

    def test_a_server_over_tcp(self):
        self.serve()
        self.every_command()

    def test_a_server_over_a_unix_socket(self):
        self.serve('--server-bind', f'unix:{self.directory}/socket')
        self.assertTrue(self.url.startswith('unix:/'))
        self.every_command()

    def test_a_directory_without_a_server(self):
        self.url = f'file://{self.directory}/embedded'
        error = self.fails(1, 'ls', '/')
        self.assertIn('init', error['hint'])
        self.assertFalse((self.directory / 'embedded').exists())
        self.nokv('init')
        self.every_command()


if __name__ == '__main__':
    unittest.main()
