#!/usr/bin/env python3
"""dump and load: what comes out is what went in, or an error says what is missing."""

import base64
import json
import os
import pathlib
import tempfile
import time
import unittest

from harness import NokvTest, Server

BLOCK = 4 << 20


class Dump(NokvTest):

    def setUp(self):
        super().setUp()
        self.serve()

    def fill(self):
        """One of everything, below /d."""
        self.nokv('mkdir', '-p', '/d/empty', '/d/deep/er/est')
        self.nokv('put', '-', '/d/small', stdin=b'hello')
        self.nokv('put', '-', '/d/none', stdin=b'')
        self.nokv('put', '-', '/d/\\xff\\xfe', stdin=b'z')
        self.nokv('put', '-', '/d/\\x5cx41', stdin=b'backslash')
        self.nokv('put', '-', '/d/deep/middle.json', stdin=b'{"a": 1}' * 5000)
        self.nokv('put', '-', '/d/deep/er/block', stdin=bytes(range(256)) * (BLOCK // 256) + b'!')
        self.nokv('append', '-', '/d/grown', stdin=b'one')
        self.nokv('append', '-', '/d/grown', stdin=b'two')
        self.nokv('ln', '/d/small', '/d/deep/other-name')
        self.nokv('ln', '-s', '../\\xfdx', '/d/deep/link')
        self.nokv('xattr', 'set', '/d/small', 'user.k', 'v')
        self.nokv('xattr', 'set', '/d/deep', 'user.\\xff', '')
        self.nokv('chmod', '4751', '/d/small')
        self.nokv('chmod', '2700', '/d/deep/er')
        self.nokv('chown', '7:8', '/d/deep')
        self.nokv('touch', '/d/deep/er/est')

    def dump(self, *words, **more):
        return self.nokv('dump', *words, **more).splitlines()

    def nodes(self, lines):
        """The lines that a dump of what was loaded has too."""
        return [line for line in lines if line.startswith((b'{"path"', b'{"data"', b'{"end"'))]

    def is_sound(self):
        summary = self.rows('fsck', '--read-data')[-1]
        self.assertEqual(summary['problems'], 0, summary)

    def test_what_is_loaded_dumps_as_the_same_text_also_elsewhere(self):
        self.fill()
        self.nokv('snapshot', 'create', 'before', '/d', '--label', 'k=v')
        lines = self.dump('--bodies', '/d')
        header = json.loads(lines[0])
        self.assertEqual((header['dump'], header['path'], header['bodies']), (1, '/d', True))
        snapshot = json.loads(lines[1])
        self.assertEqual((snapshot['snapshot'], snapshot['labels']), ('before', {'k': 'v'}))
        text = b'\n'.join(lines) + b'\n'
        loaded = self.json('load', '/again/and/again', stdin=text)
        self.assertEqual(loaded['entries'], json.loads(lines[-1])['end'])
        self.assertEqual(self.nodes(self.dump('--bodies', '/again/and/again')), self.nodes(lines))
        self.assertEqual(self.json('stat', '/again/and/again/small')['nlink'], 2)
        self.is_sound()
        with tempfile.TemporaryDirectory(prefix='nokv-e2e-') as other:
            store = f'file://{other}/ns'
            self.nokv('init', store=store)
            file = pathlib.Path(other) / 'dump'
            file.write_bytes(text)
            self.nokv('load', '/', '--from', file, store=store)
            self.assertEqual(self.nodes(self.dump('--bodies', store=store)), self.nodes(lines))
            self.assertEqual(self.nokv('cat', '/deep/middle.json', store=store),
                             b'{"a": 1}' * 5000)
            self.assertEqual(self.rows('fsck', '--read-data', store=store)[-1]['problems'], 0)

    def test_special_files_come_back(self):
        # The command makes none, a dump does.
        time_of = '2001-02-03T04:05:06.700000008Z'
        nodes = [{'path': '/', 'kind': 'directory', 'mode': 0o755}]
        for kind in ('fifo', 'socket', 'block', 'character'):
            nodes.append({'path': '/' + kind, 'kind': kind, 'mode': 0o600,
                          'xattrs': {'user.k': base64.b64encode(b'v').decode()}})
        for node in nodes:
            node.update({'uid': 1, 'gid': 2, 'mtime': time_of, 'ctime': time_of, 'btime': time_of})
        nodes[3]['rdev'] = nodes[4]['rdev'] = 2049
        lines = [{'dump': 1, 'namespace': 'x', 'path': '/s', 'version': 1, 'time': time_of,
                  'bodies': False}, *nodes, {'end': 5}]
        self.nokv('load', stdin=''.join(json.dumps(line) + '\n' for line in lines).encode())
        got = [json.loads(line) for line in self.nodes(self.dump('/s'))]
        want = sorted(nodes[1:], key=lambda node: node['path'])
        self.assertEqual(got, [nodes[0], *want, {'end': 5}])

    def test_a_dump_is_of_one_version_and_of_an_older_one_when_asked(self):
        self.nokv('put', '-', '/d/a', stdin=b'old')
        self.nokv('snapshot', 'create', 's')
        before = self.dump('--bodies', '--at', 's')
        self.nokv('put', '-', '/d/a', stdin=b'newer')
        self.nokv('put', '-', '/d/b', stdin=b'b')
        self.assertEqual(self.dump('--bodies', '--at', 's'), before)
        self.assertIn(b'b2xk', b''.join(before))
        self.assertNotEqual(self.dump('--bodies'), before)

    def test_without_bodies_files_share_those_that_are_there_and_nowhere_else(self):
        self.fill()
        self.nokv('snapshot', 'create', 'kept')
        lines = self.dump('--at', 'kept', '/d')
        self.assertFalse([line for line in lines if line.startswith(b'{"data"')])
        text = b'\n'.join(lines) + b'\n'
        self.nokv('rm', '-r', '/d')
        self.nokv('load', stdin=text)
        self.assertEqual(self.nodes(self.dump('/d')), self.nodes(lines))
        self.assertEqual(self.nokv('cat', '/d/deep/middle.json'), b'{"a": 1}' * 5000)
        self.is_sound()
        with tempfile.TemporaryDirectory(prefix='nokv-e2e-') as other:
            store = f'file://{other}/ns'
            self.nokv('init', store=store)
            error = self.fails(1, 'load', '/x', stdin=text, store=store)
            self.assertIn('no bodies', error['message'])
            self.assertIn('--bodies', error['hint'])

    def test_a_load_refuses_what_is_there_and_goes_on_where_it_ended(self):
        for i in range(30):
            self.nokv('mkdir', '-p', f'/d/{i:02}')
        self.fill()
        lines = self.dump('--bodies', '/d')
        text = b'\n'.join(lines) + b'\n'
        self.fails(1, 'load', stdin=text)
        half = b'\n'.join(lines[:-9]) + b'\n'
        done = self.run_nokv('--json', 'load', '/x', stdin=half)
        self.assertIn(b'cut off', done.stdout)
        # What came in batches is there wholly; the rest is not.
        for cut in (len(lines) // 3, len(lines) // 2, len(lines) - 2):
            self.run_nokv('load', '--resume', '/x', stdin=b'\n'.join(lines[:cut]) + b'\n')
        resumed = self.json('load', '--resume', '/x', stdin=text)
        self.assertEqual(self.nodes(self.dump('--bodies', '/x')), self.nodes(lines))
        again = self.json('load', '--resume', '/x', stdin=text)
        self.assertGreater(again['passed_over'], resumed['passed_over'] - 1)
        self.assertEqual(self.nodes(self.dump('--bodies', '/x')), self.nodes(lines))
        self.nokv('put', '-', '/x/small', stdin=b'changed')
        self.assertIn('differs', self.fails(3, 'load', '--resume', '/x', stdin=text)['message'])

    def test_damage_is_named_and_nothing_of_a_bad_batch_is_made(self):
        self.nokv('put', '-', '/d/a', stdin=b'hello')
        text = b'\n'.join(self.dump('--bodies', '/d')) + b'\n'
        for bad, word in ((text.replace(b'aGVsbG8=', b'aGVsbG4='), 'digest'),
                          (text.replace(b'aGVsbG8=', b'aGVsbA=='), 'length'),
                          (text.replace(b'"end":2', b'"end":3'), 'nodes'),
                          (text[:-4], 'cut off'), (text[text.index(b'\n') + 1:], 'no dump'),
                          (text.replace(b'"/a"', b'"/b/a"'), 'before its directory'),
                          (b'', 'no dump'), (b'not json\n', 'line 1'),
                          (b'x' * (2 << 20), 'longer')):
            error = self.fails(1, 'load', '/x', stdin=bad)
            self.assertIn(word, error['message'])
        self.assertEqual([row['name'] for row in self.rows('ls', '/')], ['d'])

    def test_a_dry_run_sends_nothing(self):
        self.nokv('put', '-', '/d/a', stdin=b'hello')
        text = b'\n'.join(self.dump('--bodies', '/d')) + b'\n'
        self.assertEqual(self.json('--dry-run', 'load', '/x', stdin=text)['entries'], 2)
        self.assertEqual([row['name'] for row in self.rows('ls', '/')], ['d'])


if __name__ == '__main__':
    unittest.main()
