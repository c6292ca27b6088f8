#!/usr/bin/env python3
"""JSON field names and types: they never change or vanish, for scripts rely on them.

Fields may be added: what is checked is that each object has at least these, of these types.
"""

import json
import os
import re
import unittest

from harness import NokvTest

TIME = re.compile(r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$')
BODY = os.urandom(20000)


def is_time(value):
    return isinstance(value, str) and TIME.match(value) is not None


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def is_text(value):
    return isinstance(value, str)


def is_bool(value):
    return isinstance(value, bool)


def is_map(value):
    return isinstance(value, dict)


def is_totals(value):
    return is_map(value) and all(is_int(value.get(k)) for k in ('files', 'directories', 'bytes'))


NODE = {'path': is_text, 'name': is_text, 'kind': is_text, 'id': is_text, 'size': is_int,
        'mode': is_int, 'uid': is_int, 'gid': is_int, 'nlink': is_int, 'mtime': is_time,
        'ctime': is_time, 'btime': is_time, 'xattrs': is_map, 'fields': is_map, 'version': is_int}
FILE = {**NODE, 'generation': is_int, 'content_type': is_text, 'producer': is_text,
        'digest': is_text, 'citation': is_text}
DIRECTORY = {**NODE, 'entries': is_int, 'totals': is_totals}
SYMLINK = {**NODE, 'target': is_text}
WRITTEN = {'path': is_text, 'generation': is_int, 'size': is_int, 'digest': is_text,
           'version': is_int, 'created': is_bool, 'citation': is_text}
CHANGED = {'path': is_text, 'version': is_int}
UNDOABLE = {**CHANGED, 'undo': lambda v: is_text(v) and v.startswith('nokv ')}
SNAPSHOT = {'name': is_text, 'id': is_int, 'path': is_text, 'version': is_int, 'time': is_time,
            'expires': lambda v: v is None or is_time(v), 'labels': is_map}
RESTORED = {'path': is_text, 'from': is_text, 'version': is_int, 'at': is_int, 'undo': is_text}
LOG = {'path': is_text, 'generation': is_int, 'size': is_int, 'digest': is_text, 'time': is_time,
       'principal': is_text, 'change': is_text, 'readable': is_bool, 'citation': is_text}
GOT = {'path': is_text, 'local': is_text, 'size': is_int, 'digest': is_text,
       'generation': is_int}
QUOTA = {'path': is_text, 'max_bytes': is_int, 'bytes': is_int, 'max_entries': is_int,
         'entries': is_int, 'version': is_int}
USAGE = {'path': is_text, 'totals': is_totals}
CHECK = {'name': is_text, 'status': lambda v: v in ('passed', 'warned', 'failed'),
         'detail': is_text, 'fix': is_text}
STATUS = {'url': is_text, 'version': is_int, 'initialised': is_bool, 'object_store': is_text,
          'namespace': is_text, 'backup_to': is_text, 'backup_version': is_int,
          'backup_time': lambda v: v is None or is_time(v), 'backup_error': is_text}
XATTR = {'path': is_text, 'name': is_text, 'value': is_text}
ERROR = {'code': is_text, 'message': is_text, 'hint': is_text,
         'outcome': lambda v: v in ('not_done', 'maybe_done'), 'path': is_text}
SETTING = {'name': is_text, 'value': is_text, 'origin': is_text}


class Json(NokvTest):

    def holds(self, value, fields):
        for name, good in fields.items():
            self.assertIn(name, value)
            self.assertTrue(good(value[name]), (name, value[name]))

    def setUp(self):
        super().setUp()
        self.serve()
        self.local = self.file('local', BODY)

    def test_entries(self):
        self.nokv('put', self.local, '/d/f')
        self.nokv('ln', '-s', 'f', '/d/l')
        self.nokv('mkdir', '/d/e')
        self.nokv('xattr', 'set', '/d/f', 'user.k', 'v')
        kinds = {'f': FILE, 'l': SYMLINK, 'e': DIRECTORY}
        for command in (('ls', '/d'), ('stat', '/d/e', '/d/f', '/d/l'), ('tree', '/d')):
            rows = self.rows(*command)
            self.assertGreaterEqual(len(rows), 3)
            for row in rows:
                self.holds(row, kinds.get(row['name'], DIRECTORY))
        entry = self.json('stat', '/d/f')
        self.assertEqual((entry['kind'], entry['size'], entry['mode']), ('file', 20000, 0o644))
        self.assertEqual(entry['xattrs'], {'user.k': 'dg=='})
        self.assertEqual(entry['citation'],
                         f'nokv-native:///d/f@generation:{entry["generation"]}')
        self.assertNotIn('target', entry)
        self.assertNotIn('entries', entry)
        # One path: one object; several: a line each, without a summary.
        self.assertEqual(len(self.rows('stat', '/d/f')), 1)
        self.assertEqual(self.json('stat', '/d/l')['kind'], 'symlink')

    def test_what_was_written(self):
        for words in (('put', self.local, '/a'), ('put', self.local, '/a'),
                      ('put-artifact', '/b', self.local), ('append', self.local, '/a'),
                      ('append', self.local, '/new'), ('cp', '/a', '/c')):
            self.holds(self.json(*words), WRITTEN)
        self.nokv('put', '-', '/text', stdin=b'one')
        self.holds(self.json('edit', '/text', '--old', 'one', '--new', 'two'), WRITTEN)
        rows = self.rows('publish', f'{self.local}=/p/1', f'{self.local}=/p/2')
        self.assertEqual([row['path'] for row in rows], ['/p/1', '/p/2'])
        for row in rows:
            self.holds(row, WRITTEN)
            self.assertTrue(row['created'])
        self.assertEqual(rows[0]['version'], rows[1]['version'])
        self.assertFalse(self.json('put', self.local, '/a')['created'])

    def test_what_was_changed(self):
        self.nokv('put', self.local, '/f')
        for words in (('mkdir', '/d'), ('touch', '/f'), ('chmod', '600', '/f'),
                      ('chown', '1:1', '/f'), ('xattr', 'set', '/f', 'user.k', 'v'),
                      ('xattr', 'rm', '/f', 'user.k')):
            self.holds(self.json(*words), CHANGED)
        for words in (('ln', '/f', '/hard'), ('ln', '-s', 'f', '/soft'), ('mv', '/f', '/d/g'),
                      ('rm', '/d/g'), ('rm', '-r', '/d')):
            self.holds(self.json(*words), UNDOABLE)

    def test_snapshots_and_the_past(self):
        self.nokv('put', '-', '/d/f', stdin=b'1')
        made = self.json('snapshot', 'create', 's', '/d', '--expires', '1h', '--label', 'k=v')
        self.holds(made, SNAPSHOT)
        self.assertEqual(made['labels'], {'k': 'v'})
        listed = self.rows('snapshot', 'ls')
        self.assertEqual([row['id'] for row in listed], [made['id']])
        self.holds(listed[0], SNAPSHOT)
        self.holds(self.json('snapshot', 'renew', 's'), SNAPSHOT)
        self.assertIsNone(self.rows('snapshot', 'ls')[0]['expires'])
        self.nokv('put', '-', '/d/f', stdin=b'2')
        rows = self.rows('log', '/d/f')
        self.assertEqual(len(rows), 2)
        for row in rows:
            self.holds(row, LOG)
        self.assertGreater(rows[0]['generation'], rows[1]['generation'])
        removed = self.json('rm', '/d/f')
        back = self.json('undelete', '/d/f')
        self.holds(back, RESTORED)
        self.assertEqual(f'v{back["at"]}', removed['undo'].split()[-1])
        self.holds(self.json('undelete', '/d/f', '--as', '/g', '--at', 's'), RESTORED)
        self.holds(self.json('snapshot', 'policy'), {'moments': is_text, 'undo': is_text})

    def test_what_was_got_and_used(self):
        self.nokv('put', self.local, '/d/f')
        got = self.json('get', '/d/f', self.directory / 'out')
        self.holds(got, GOT)
        self.assertEqual(got['local'], str(self.directory / 'out'))
        usage = self.json('du', '/d')
        self.holds(usage, USAGE)
        self.assertEqual(usage['totals'], {'files': 1, 'directories': 0, 'bytes': 20000})
        self.holds(self.json('quota', 'set', '/d', '--max-bytes', '1G'), QUOTA)
        self.holds(self.json('quota', 'get', '/d'), QUOTA)
        self.holds(self.json('quota', 'ls'), QUOTA)
        self.nokv('xattr', 'set', '/d/f', 'user.k', 'v')
        self.assertEqual(self.json('xattr', 'get', '/d/f', 'user.k'),
                         {'path': '/d/f', 'name': 'user.k', 'value': 'dg=='})
        self.holds(self.rows('xattr', 'ls', '/d/f')[0], XATTR)

    def test_the_server_and_the_command(self):
        self.holds(self.json('status'), STATUS)
        self.holds(self.json('init'), STATUS)
        for row in self.rows('doctor'):
            self.holds(row, CHECK)
        for row in self.rows('config', 'show'):
            self.holds(row, SETTING)
        version = self.json('version')
        self.holds(version, {'version': is_text, 'commit': is_text, 'formats': is_map})
        self.assertRegex(version['commit'], '^([0-9a-f]{40}|unknown)$')
        self.holds(self.json('gc', '--now'), {'blobs_deleted': is_int, 'pending': is_int})

    def test_upkeep(self):
        self.nokv('put', self.local, '/f')
        self.nokv('rm', '/f')
        summary = {'checked': is_int, 'problems': is_int, 'repaired': is_int}
        space = {'reason': is_text, 'name': is_text, 'bytes': is_int, 'files': is_int}
        for words, fields in ((('fsck',), summary), (('df', '--why'), space)):
            done = self.run_nokv('--json', *words)
            rows = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertEqual(done.returncode, 0)
            self.holds(rows[-1], fields)

    def test_backups_and_dumps(self):
        self.nokv('put', self.local, '/f')
        backup = {'id': is_text, 'version': is_int, 'time': is_time, 'log_version': is_int,
                  'log_time': is_time, 'bytes': is_int}
        made = self.json('backup')
        self.holds(made, {**backup, 'to': is_text, 'objects_put': is_int, 'bytes_put': is_int})
        self.holds(self.rows('backup', '--ls')[0], backup)
        place = f"file://{self.directory}/meta/objects/backups"
        restored = self.json('--meta', self.directory / 'again', 'restore', '--from', place)
        self.holds(restored, {'directory': is_text, 'backup': is_text, 'namespace': is_text,
                              'version': is_int, 'time': is_time, 'bytes': is_int})
        loaded = self.json('load', '/again', stdin=self.nokv('dump', '--bodies', '/'))
        self.holds(loaded, {'path': is_text, 'from': is_text, 'entries': is_int,
                            'passed_over': is_int, 'bytes': is_int, 'version': is_int})

    def test_errors(self):
        for code, words in ((1, ('cat', '/missing')), (2, ('cat',)), (2, ('nonsense',)),
                            (1, ('snapshot', 'rm', 'none')), (2, ('put', '/no/such', '/x')),
                            (1, ('cat', '--at', 'nothing', '/'))):
            done = self.run_nokv('--json', *words)
            self.assertEqual(done.returncode, code, words)
            lines = done.stdout.splitlines()
            self.assertEqual(len(lines), 1)
            self.holds(json.loads(lines[0])['error'], ERROR)
            self.assertEqual(done.stderr, b'')  # no second copy
        self.assertEqual(self.fails(1, 'cat', '/missing')['path'], '/missing')

    def test_names_that_are_no_text_are_escaped_and_taken_back(self):
        self.nokv('put', '-', '/caf\\xe9', stdin=b'x')
        row = self.rows('ls', '/')[0]
        self.assertEqual((row['name'], row['path']), ('caf\\xe9', '/caf\\xe9'))
        self.assertEqual(self.nokv('cat', row['path']), b'x')
        self.assertEqual(self.nokv('ls', '/'), b'caf\\xe9\n')


if __name__ == '__main__':
    unittest.main()
