#!/usr/bin/env python3
"""Quotas on directories, as a user sets and meets them."""

import json
import unittest

from harness import NokvTest


class Quota(NokvTest):

    def setUp(self):
        super().setUp()
        self.serve()

    def put(self, path, body=b''):
        self.nokv('put', '-', path, stdin=body)

    def over(self, *words, **more):
        error = self.fails(1, *words, **more)
        self.assertEqual(error['code'], 'quota_exceeded', error)
        self.assertIn('nokv quota set', error['hint'])
        return error

    def test_a_limit_is_set_met_raised_and_taken_away(self):
        self.nokv('mkdir', '-p', '/team/a')
        row = self.json('quota', 'set', '/team', '--max-bytes', '64k', '--max-entries', 3)
        self.assertEqual({key: row[key] for key in ('path', 'max_bytes', 'bytes', 'max_entries',
                                                    'entries')},
                         {'path': '/team', 'max_bytes': 65536, 'bytes': 0, 'max_entries': 3,
                          'entries': 1})
        self.put('/team/a/f', b'x' * 40000)
        error = self.over('put', '-', '/team/g', stdin=b'x' * 40000)
        self.assertIn('/team: its quota is 65536 bytes, and 80000 would lie below it, 14464 too '
                      'many', error['message'])
        self.over('append', '-', '/team/a/f', stdin=b'x' * 30000)
        self.nokv('cp', '/team/a/f', '/outside')
        self.over('cp', '/team/a/f', '/team/g')
        self.over('mv', '/outside', '/team/g')
        self.nokv('quota', 'set', '/team', '--max-bytes', 'none')
        self.nokv('mv', '/outside', '/team/g')
        self.over('mkdir', '/team/d')
        self.over('clone', '/team/a', '/team/b')
        self.assertEqual(self.json('quota', 'set', '/team', '--max-entries', 0)['max_entries'], 0)
        self.nokv('clone', '/team/a', '/team/b')
        self.assertEqual(self.rows('quota', 'ls'), [])
        self.is_sound()

    def test_one_below_what_is_there_is_said_and_stops_only_growth(self):
        self.nokv('mkdir', '/d')
        self.put('/d/f', b'12345')
        done = self.run_nokv('quota', 'set', '/d', '--max-bytes', '3')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b'(over)', done.stdout)
        self.assertIn(b'more is there already', done.stderr)
        self.over('append', '-', '/d/f', stdin=b'6')
        self.put('/d/f', b'1234')

    def test_get_shows_those_that_bind_and_ls_all(self):
        self.nokv('mkdir', '-p', '/a/b/c', '/z')
        for path, limit in (('/', '10'), ('/a', '9'), ('/a/b/c', '8'), ('/z', '7')):
            self.nokv('quota', 'set', path, '--max-entries', limit)
        rows = self.rows('quota', 'get', '/a/b')
        self.assertEqual([(row['path'], row['max_entries']) for row in rows],
                         [('/a/b', 0), ('/a', 9), ('/', 10)])
        self.assertIn(b'(no quota)', self.nokv('quota', 'get', '/a/b'))
        self.assertEqual([row['path'] for row in self.rows('quota', 'ls')],
                         ['/', '/a', '/a/b/c', '/z'])
        self.assertEqual([row['path'] for row in self.rows('quota', 'ls', '/a')],
                         ['/a', '/a/b/c'])
        self.assertIn(b'0 of 7 entries', self.nokv('quota', 'ls', '/z'))
        self.assertEqual(self.json('stat', '/z')['quota'], {'max_bytes': 0, 'max_entries': 7})

    def test_wrong_values_are_refused_before_anything_is_sent(self):
        for words in (('--max-bytes', '-1'), ('--max-bytes', '9e9'), ('--max-entries', '1k'),
                      ('--max-bytes', '99999999999999999999'), ('--max-entries', '-5'),
                      ('--max-entries', '99999999999999999999'), ('--max-bytes', ''), ()):
            self.fails(2, 'quota', 'set', '/', *words)
        self.put('/f')
        self.assertEqual(self.fails(1, 'quota', 'set', '/f', '--max-bytes', 1)['code'],
                         'not_directory')
        self.assertEqual(self.fails(1, 'quota', 'get', '/gone')['code'], 'not_found')
        self.assertEqual(self.rows('quota', 'ls'), [])

    def test_a_dry_run_sets_nothing(self):
        self.assertEqual(
            self.json('--dry-run', 'quota', 'set', '/', '--max-bytes', '5')['max_bytes'], 5)
        self.assertEqual(self.rows('quota', 'ls'), [])

    def test_a_dump_that_is_loaded_has_its_quotas_also_where_too_much_is(self):
        self.nokv('mkdir', '-p', '/d/e')
        self.put('/d/e/f', b'12345')
        self.nokv('quota', 'set', '/d', '--max-entries', '9')
        self.nokv('quota', 'set', '/d/e', '--max-bytes', '3', '--max-entries', '1')
        text = self.nokv('dump', '--bodies', '/d')
        self.nokv('load', '/copy', stdin=text)
        self.assertEqual([(row['path'], row['max_bytes'], row['max_entries'])
                          for row in self.rows('quota', 'ls', '/copy')],
                         [('/copy', 0, 9), ('/copy/e', 3, 1)])
        again = self.nokv('dump', '--bodies', '/copy')
        nodes = lambda lines: [line for line in lines.splitlines() if line.startswith(b'{"path"')]
        self.assertEqual(nodes(again), nodes(text))
        self.assertEqual(json.loads(nodes(text)[1])['max_bytes'], 3)

    def test_it_outlives_kill_9_and_a_restore(self):
        self.nokv('mkdir', '/d')
        self.nokv('quota', 'set', '/d', '--max-entries', '1')
        backups = f'file://{self.directory}/backups'
        self.nokv('backup', '--to', backups)
        self.server.kill()
        self.restart()
        self.put('/d/f')
        self.over('put', '-', '/d/g', stdin=b'')
        self.server.stop()
        meta = self.directory / 'restored'
        done = self.run_nokv('--meta', meta, 'restore', '--from', backups)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.serve('--meta', str(meta), init=False)
        self.put('/d/f')
        self.over('put', '-', '/d/g', stdin=b'')
        self.assertEqual(self.rows('quota', 'ls')[0]['path'], '/d')


if __name__ == '__main__':
    unittest.main()
