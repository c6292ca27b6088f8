#!/usr/bin/env python3
"""The command's conventions: exit codes, targets, preconditions, dry runs, hints, the past."""

import json
import os
import shlex
import signal
import socket
import time
import unittest

from harness import NokvTest


class Contract(NokvTest):

    def setUp(self):
        super().setUp()
        self.serve()

    def put(self, path, text=b'x'):
        return self.json('put', '-', path, stdin=text)

    def names(self, path='/', *more):
        return [row['name'] for row in self.rows('ls', path, *more)]

    # ---- targets

    def test_targets_are_those_of_coreutils(self):
        self.file('d/a', b'a')
        self.file('d/sub/b', b'b')
        local = self.directory / 'd'
        self.nokv('put', local / 'a', '/new')           # the new name
        self.nokv('put', local / 'a', '/dir/')          # a slash makes the directory
        self.nokv('put', local / 'a', local / 'sub/b', '/dir')
        self.assertEqual(self.names('/dir'), ['a', 'b'])
        self.nokv('put', '-r', local, '/t')             # /t becomes the copy
        self.assertEqual(self.names('/t'), ['a', 'sub'])
        self.nokv('put', '-r', local, '/t')             # /t is there: it receives it
        self.assertEqual(self.names('/t'), ['a', 'd', 'sub'])
        self.nokv('put', local / 'a', '/deep/er/est')   # parents are made
        self.fails(1, 'put', local / 'a', local / 'sub/b', '/nowhere')
        self.fails(2, 'put', local, '/no-r')
        self.fails(2, 'put', '-', '/dir/', stdin=b'x')  # no name for it
        self.nokv('cp', '/new', '/dir')
        self.nokv('cp', '/new', '/dir/other')
        self.assertEqual(self.names('/dir'), ['a', 'b', 'new', 'other'])
        self.fails(1, 'cp', '/t', '/t2')
        self.fails(1, 'cp', '-r', '/t', '/t/inside')
        self.nokv('mv', '/new', '/dir/a', '/deep')
        self.assertEqual(self.names('/deep'), ['a', 'er', 'new'])
        self.fails(1, 'mv', '/deep', '/deep/er')
        self.fails(1, 'mv', '/missing', '/deep')

    def test_ls_heads_directories_only_and_only_among_several(self):
        self.put('/d/a')
        self.put('/f')
        self.assertEqual(self.nokv('ls', '/d'), b'a\n')
        self.assertEqual(self.nokv('ls', '/f', '/d'), b'/f\n/d:\na\n')
        self.assertEqual(self.nokv('ls', '-R', '/'), b'/:\nd/\nf\n\n/d:\na\n')

    def test_get_puts_files_where_cp_would(self):
        self.put('/d/a', b'a')
        self.put('/d/sub/b', b'b')
        out = self.directory / 'out'
        self.nokv('get', '/d/a', out / 'x/name')
        self.nokv('get', '/d/a', str(out / 'dir') + '/')
        self.nokv('get', '/d/a', '/d/sub/b', out / 'dir')
        self.nokv('get', '-r', '/d', out / 'copy')
        self.nokv('get', '-r', '/d', out / 'copy')
        found = sorted(str(p.relative_to(out)) for p in out.rglob('*') if p.is_file())
        self.assertEqual(found, ['copy/a', 'copy/d/a', 'copy/d/sub/b', 'copy/sub/b', 'dir/a',
                                 'dir/b', 'x/name'])
        self.assertEqual(self.nokv('get', '/d/a', '-'), b'a')
        self.fails(1, 'get', '/d', out / 'no-r')

    def test_a_tree_with_links_is_put_twice(self):
        self.file('d/a', b'a')
        os.symlink('a', self.directory / 'd/l')
        self.nokv('put', '-r', self.directory / 'd', '/x/')
        self.nokv('put', '-r', self.directory / 'd', '/x/')
        self.assertEqual(self.json('stat', '/x/d/l')['target'], 'a')

    # ---- preconditions

    def test_preconditions_go_with_everything_that_writes_a_file(self):
        local = self.file('f', b'new')
        there = self.put('/there', b'old')
        ways = [('put', local, '{}'), ('put-artifact', '{}', local), ('append', local, '{}'),
                ('cp', '/there', '{}'), ('publish', f'{local}={{}}')]
        for words in ways:
            def at(path, words=words):
                return [str(word).replace('{}', path) for word in words]
            self.fails(1, *at('/there'), '--create')
            self.fails(1, *at('/missing'), '--replace')
            error = self.fails(1, *at('/there'), '--if-generation', '999999')
            self.assertEqual(error['code'], 'aborted', words)
            self.assertEqual(self.nokv('cat', '/there'), b'old', words)
            self.fails(1, 'stat', '/missing')
        self.fails(1, 'edit', '/there', '--old', 'o', '--new', 'u', '--if-generation', '9999')
        self.nokv('edit', '/there', '--old', 'o', '--new', 'u', '--if-generation',
                  there['generation'])
        self.assertEqual(self.nokv('cat', '/there'), b'uld')
        self.fails(2, 'put', '--create', '--replace', local, '/x')

    def test_a_dry_run_says_what_it_would_do_and_does_nothing(self):
        local = self.file('f', b'x' * 100_000)
        self.file('tree/a', b'a')
        self.put('/f')
        self.put('/d/g')
        self.nokv('snapshot', 'create', 's')
        for words in (('put', local, '/f'), ('put', '-r', self.directory / 'tree', '/t'),
                      ('put-artifact', '/new', local), ('append', local, '/f'),
                      ('edit', '/f', '--old', 'x', '--new', 'y'), ('publish', f'{local}=/p'),
                      ('cp', '/f', '/f2'), ('cp', '-r', '/d', '/d2'), ('mv', '/f', '/g'),
                      ('rm', '/f'), ('rm', '-r', '/d'), ('mkdir', '/m'), ('touch', '/f'),
                      ('ln', '-s', 'f', '/l'), ('ln', '/f', '/hard'), ('chmod', '600', '/f'),
                      ('chown', '1:1', '/f'), ('xattr', 'set', '/f', 'user.k', 'v'),
                      ('snapshot', 'create', 's2'), ('snapshot', 'rm', 's'),
                      ('snapshot', 'renew', 's'), ('snapshot', 'policy', '--undo', '1h'),
                      ('undelete', '/f', '--as', '/u', '--at', 's'), ('clone', '/d', '/c'),
                      ('rollback', '/d', '--to', 's'), ('quota', 'set', '/d', '--max-bytes', '1'),
                      ('gc', '--now'), ('init',)):
            self.nokv('--dry-run', *words)
            self.nokv('--dry-run', '--json', *words)
        self.assertEqual(self.names(), ['d', 'f'])
        self.assertEqual(self.nokv('cat', '/f'), b'x')
        self.assertEqual([row['name'] for row in self.rows('snapshot', 'ls')], ['s'])
        self.assertEqual(self.json('snapshot', 'policy')['undo'], '1d')
        self.assertEqual(self.json('--dry-run', 'put', local, '/f')['size'], 100_000)
        self.assertEqual(self.json('--dry-run', 'append', local, '/f')['size'], 100_001)
        self.assertIn(b'1 files', self.nokv('--dry-run', 'rm', '-r', '/d'))

    # ---- undo

    def undo(self, line):
        self.nokv(*shlex.split(line)[1:])

    def test_every_undo_line_brings_back_what_was(self):
        self.put('/a', b'a')
        self.put('/b b', b'b')
        self.put('/d/sub/f', b'f')
        before = self.tree()
        local = self.file('new', b'new')
        for words in (('rm', '/a'), ('rm', '-r', '/d'), ('put', local, '/b b'), ('mv', '/a', '/c'),
                      ('mv', '/a', '/b b'), ('mv', '--exchange', '/a', '/b b'),
                      ('mv', '/d/sub', '/s'), ('cp', '/a', '/b b'), ('ln', '/a', '/hard'),
                      ('ln', '-s', 'a', '/soft'), ('edit', '/a', '--old', 'a', '--new', 'z'),
                      ('publish', '--remove', '/a')):
            done = self.json(*words)
            self.assertNotEqual(self.tree(), before, words)
            self.undo(done['undo'])
            self.assertEqual(self.tree(), before, (words, done['undo']))
        # People are told the same line, on stderr.
        done = self.run_nokv('rm', '/a')
        self.assertTrue(done.stderr.startswith(b'undo: nokv '), done.stderr)

    def tree(self):
        return [(row['path'], row.get('digest')) for row in self.rows('tree', '/')]

    # ---- the past

    def test_at_goes_with_every_reading_command(self):
        self.put('/d/f', b'old\n')
        self.nokv('snapshot', 'create', 'then', '/d')
        version = self.rows('snapshot', 'ls')[0]['version']
        self.nokv('rm', '-r', '/d')
        for at in ('then', f'v{version}'):
            for command in ('cat', 'head', 'tail'):
                self.assertEqual(self.nokv(command, '/d/f', '--at', at), b'old\n')
            for command in ('ls', 'tree', 'stat', 'du'):
                self.nokv(command, '/d', '--at', at)
                self.assertGreaterEqual(len(self.rows(command, '/d', '--at', at)), 1)
            self.nokv('get', '/d/f', self.directory / 'back', '--at', at)
            self.assertEqual((self.directory / 'back').read_bytes(), b'old\n')
            self.nokv('get', '-r', '/d', self.directory / f'tree-{at}', '--at', at)
        self.assertEqual(self.json('stat', '/d/f', '--at', 'then')['version'], version)
        self.fails(1, 'cat', '/d/f')

    def test_an_at_that_names_nothing_is_refused_with_the_nearest(self):
        self.put('/f', b'1')
        self.nokv('snapshot', 'create', 'nightly')
        self.assertIn('nightly', self.fails(1, 'cat', '/f', '--at', 'nighlty')['hint'])
        self.assertIn('nearest', self.fails(1, 'cat', '/f', '--at', 'v1')['hint'])
        self.assertIn('nearest', self.fails(1, 'cat', '/f', '--at', '3d')['hint'])
        self.assertIn('nearest', self.fails(1, 'cat', '/f', '--at', '2020-01-01')['hint'])
        self.assertIn('newest', self.fails(1, 'cat', '/f', '--at', 'v99999')['message'])
        for name in ('v12', '30s', '2026-01-01', '2026-01-01T00:00:00Z', 'now', 'a/b', ''):
            self.fails(1, 'snapshot', 'create', name)
        self.nokv('mkdir', '/d')
        self.nokv('snapshot', 'create', 'of-d', '/d')
        self.assertIn('outside', self.fails(1, 'cat', '/f', '--at', 'of-d')['message'])
        self.fails(1, 'snapshot', 'create', 'nightly', '/d')  # unique in the namespace

    def test_a_time_is_answered_with_the_moment_that_is_shown(self):
        self.put('/d/f', b'1')
        self.nokv('snapshot', 'create', 'one')
        time.sleep(0.3)
        self.put('/d/f', b'2')
        done = self.run_nokv('cat', '/d/f', '--at', '250ms')
        if done.stdout == b'1':  # the machine was fast enough
            self.assertIn(b'shows v', done.stderr)

    # ---- errors and exit codes

    def test_several_paths_partly_done_end_with_3_none_with_1(self):
        self.put('/a')
        for words in (('stat',), ('rm',), ('touch', '-c'), ('chmod', '600'), ('cat',)):
            self.put('/a')
            done = self.run_nokv(*words, '/a', '/missing')
            self.assertEqual(done.returncode, 3, words)
            self.assertIn(b'/missing', done.stderr)
            self.assertEqual(self.run_nokv(*words, '/missing', '/gone').returncode, 1, words)
        self.put('/a')
        done = self.run_nokv('--json', 'stat', '/a', '/missing', '/')
        kinds = ['error' if 'error' in json.loads(line) else 'entry'
                 for line in done.stdout.splitlines()]
        self.assertEqual(kinds, ['entry', 'error', 'entry'])

    def test_hints_name_what_is_near(self):
        self.put('/runs/model.bin')
        self.assertEqual(self.fails(1, 'cat', '/runs/modle.bin')['hint'],
                         "did you mean '/runs/model.bin'?")
        self.assertEqual(self.fails(1, 'cat', '/rusn/model.bin')['hint'],
                         "did you mean '/runs/model.bin'?")
        self.assertEqual(self.fails(2, 'snapsot', 'ls')['hint'], "did you mean 'snapshot'?")
        self.assertEqual(self.fails(2, 'ls', '--lnog')['hint'], "did you mean '--long'?")
        done = self.run_nokv('cat', '/runs/modle.bin')
        self.assertEqual(done.stderr.splitlines()[1], b"hint: did you mean '/runs/model.bin'?")

    def test_commands_that_are_not_there_are_unknown(self):
        for name in ('mount', 'mcp', 'grep'):
            self.assertIn('unknown command', self.fails(2, name, '/a')['message'])

    def test_no_server_names_the_address_and_both_ways_on(self):
        for url in ('nokv://127.0.0.1:1', f'unix:{self.directory}/none'):
            done = self.run_nokv('--deadline', '100ms', 'ls', '/', store=url)
            self.assertEqual(done.returncode, 4)
            self.assertIn(url.encode(), done.stderr)
            hint = done.stderr.splitlines()[1]
            self.assertTrue(hint.startswith(b'hint: '))
            self.assertIn(b'nokv serve', hint)
            self.assertIn(b'--store file://', hint)
        self.fails(2, 'ls', '/', store='http://127.0.0.1:1')
        self.fails(2, 'ls', '/', store='file://relative')

    def test_a_write_whose_answer_is_lost_ends_with_5(self):
        # A listener that takes the request and says nothing.
        with socket.socket() as quiet:
            quiet.bind(('127.0.0.1', 0))
            quiet.listen()
            url = f'nokv://127.0.0.1:{quiet.getsockname()[1]}'
            done = self.run_nokv('--deadline', '1s', 'ls', '/', store=url)
            self.assertEqual(done.returncode, 4)
        self.server.process.send_signal(signal.SIGSTOP)
        try:
            done = self.run_nokv('--json', '--deadline', '1s', 'mkdir', '/d')
        finally:
            self.server.process.send_signal(signal.SIGCONT)
        self.assertEqual(done.returncode, 5, done.stdout)
        self.assertEqual(json.loads(done.stdout)['error']['outcome'], 'maybe_done')


if __name__ == '__main__':
    unittest.main()
