#!/usr/bin/env python3
"""The commands as a user runs them, against a real server."""

import json
import os
import random
import urllib.error
import urllib.request

from harness import NokvTest
import unittest

BIG = random.Random(1).randbytes(9 * (1 << 20) + 17)  # three blocks, the last one short


class Commands(NokvTest):

    def test_the_quick_start_works_word_for_word(self):
        server = self.serve(init=False)
        self.nokv('init')
        local = self.file('checkpoint.bin', BIG)
        self.nokv('put-artifact', '/runs/1/checkpoint.bin', local)
        self.assertEqual(self.nokv('cat', '/runs/1/checkpoint.bin'), BIG)
        self.assertEqual(server.stop(), 0)

    def test_init_is_idempotent_and_everything_else_asks_for_it(self):
        self.serve(init=False)
        error = self.fails(1, 'ls', '/')
        self.assertIn('init', error['hint'])
        self.nokv('init')
        self.nokv('init')
        self.assertEqual(self.nokv('ls', '/'), b'')

    def test_a_namespace_in_a_directory_needs_no_server(self):
        store = f'file://{self.directory}/embedded'
        self.nokv('init', store=store)
        self.nokv('put', self.file('a', BIG), '/a', store=store)
        self.assertEqual(self.nokv('cat', '/a', store=store), BIG)
        self.assertEqual(self.nokv('cat', '/a', store=store), BIG)

    def test_sizes_at_the_edges_come_back_as_they_were(self):  # scenario 27
        self.serve()
        block = 4 << 20
        for size in (0, 1, 16384, 16385, block, block + 1):
            self.nokv('put', '-', f'/f{size}', stdin=BIG[:size])
            self.assertEqual(self.nokv('cat', f'/f{size}'), BIG[:size])
            self.assertEqual(self.json('stat', f'/f{size}')['size'], size)

    def test_a_snapshot_reads_as_it_was(self):
        self.serve()
        self.nokv('put', '-', '/d/a', stdin=b'old')
        self.nokv('put', '-', '/d/gone', stdin=b'x')
        self.nokv('snapshot', 'create', 'before')
        self.nokv('put', '-', '/d/a', stdin=b'new')
        self.nokv('rm', '/d/gone')
        self.assertEqual(self.nokv('cat', '/d/a'), b'new')
        self.assertEqual(self.nokv('cat', '/d/a', '--at', 'before'), b'old')
        names = [row['name'] for row in self.rows('ls', '/d', '--at', 'before')]
        self.assertEqual(names, ['a', 'gone'])
        self.assertEqual([row['name'] for row in self.rows('snapshot', 'ls')], ['before'])
        self.nokv('snapshot', 'rm', 'before')
        self.fails(1, 'cat', '/d/a', '--at', 'before')

    def test_what_rm_took_away_comes_back_by_the_line_it_prints(self):
        self.serve()
        self.nokv('put', '-', '/a b', stdin=b'precious')
        undo = self.json('rm', '/a b')['undo']
        self.assertTrue(undo.startswith('nokv undelete'), undo)
        import shlex
        self.nokv(*shlex.split(undo)[1:])
        self.assertEqual(self.nokv('cat', '/a b'), b'precious')

    def test_preconditions_are_kept(self):
        self.serve()
        one = self.json('put', '-', '/f', stdin=b'1')
        self.assertTrue(one['created'])
        self.fails(1, 'put', '--create', '-', '/f', stdin=b'2')
        self.fails(1, 'put', '--replace', '-', '/missing', stdin=b'2')
        self.nokv('put', '--if-generation', one['generation'], '-', '/f', stdin=b'2')
        error = self.fails(1, 'put', '--if-generation', one['generation'], '-', '/f', stdin=b'3')
        self.assertEqual(error['code'], 'aborted')
        self.assertEqual(self.nokv('cat', '/f'), b'2')

    def test_publish_is_all_or_nothing(self):
        self.serve()
        a, b = self.file('a', b'a'), self.file('b', BIG[: 5 << 20])
        self.nokv('publish', f'{a}=/set/a', f'{b}=/set/b')
        self.assertEqual(self.nokv('cat', '/set/b'), BIG[: 5 << 20])
        self.fails(1, 'publish', f'{a}=/set/c', '--remove', '/missing')
        self.assertEqual([row['name'] for row in self.rows('ls', '/set')], ['a', 'b'])

    def test_trees_go_in_and_out(self):
        self.serve()
        for name in ('x', 'sub/y', 'sub/deep/z'):
            self.file(f'tree/{name}', name.encode())
        os.symlink('x', self.directory / 'tree/link')
        self.nokv('put', '-r', self.directory / 'tree', '/t')
        self.assertEqual(self.json('du', '/t')['totals']['files'], 4)
        self.nokv('get', '-r', '/t', self.directory / 'out')
        self.assertEqual((self.directory / 'out/sub/deep/z').read_bytes(), b'sub/deep/z')
        self.assertEqual(os.readlink(self.directory / 'out/link'), 'x')
        self.nokv('cp', '-r', '/t', '/t2')
        self.assertEqual(self.nokv('cat', '/t2/sub/y'), b'sub/y')
        self.nokv('mv', '/t2', '/t3')
        self.nokv('rm', '-r', '/t3')
        self.fails(1, 'ls', '/t3')

    def test_append_and_edit(self):
        self.serve()
        self.nokv('put', '-', '/log', stdin=b'one\n')
        for line in range(50):
            self.nokv('append', '-', '/log', stdin=b'%03d\n' % line + b'x' * 997)
        text = self.nokv('cat', '/log')
        self.assertEqual(len(text), 4 + 50 * 1001)
        self.nokv('edit', '/log', '--old', 'one', '--new', 'ONE')
        self.assertTrue(self.nokv('cat', '/log').startswith(b'ONE\n000\n'))
        self.assertEqual(self.rows('log', '/log')[0]['principal'], 'local')
        self.assertEqual(self.nokv('head', '-c', '3', '/log'), b'ONE')

    def test_mv_refuses_what_other_writers_refuse(self):
        self.serve()
        for name in ('/a', '/b', '/c'):
            self.nokv('put', '-', name, stdin=name.encode())
        generation = self.json('stat', '/b')['generation']
        self.assertEqual(self.fails(1, 'mv', '--create', '/a', '/b')['code'], 'already_exists')
        self.assertEqual(self.fails(1, 'mv', '--replace', '/a', '/new')['code'], 'aborted')
        self.assertEqual(self.fails(1, 'mv', '--if-generation', generation + 1, '/a', '/b')['code'],
                         'aborted')
        self.assertEqual(self.fails(1, 'mv', '--if-generation', 0, '/a', '/b')['code'],
                         'already_exists')
        self.fails(2, 'mv', '--create', '--exchange', '/a', '/b')
        self.fails(2, 'mv', '--if-generation', 1, '/a', '/c', '/d/')
        self.assertEqual(self.nokv('cat', '/b'), b'/b')
        moved = self.json('mv', '--if-generation', generation, '/a', '/b')
        self.assertEqual(self.nokv('cat', '/b'), b'/a')
        self.assertIn('--bring-back', moved['undo'])
        self.nokv('mv', '--replace', '/c', '/b')
        self.nokv('mv', '--create', '/b', '/new')
        self.assertEqual(self.nokv('cat', '/new'), b'/c')

    def test_errors_have_their_exit_codes(self):
        self.serve()
        self.fails(2, 'no-such-command')
        self.fails(2, 'ls', '--no-such-flag')
        self.assertEqual(self.fails(1, 'cat', '/missing')['code'], 'not_found')
        self.nokv('put', '-', '/model.bin', stdin=b'x')
        self.assertIn('model.bin', self.fails(1, 'cat', '/modle.bin')['hint'])
        done = self.run_nokv('--deadline', '200ms', 'ls', '/', store='nokv://127.0.0.1:1')
        self.assertEqual(done.returncode, 4)
        self.assertIn(b'nokv serve', done.stderr)
        self.assertIn(b'file://', done.stderr)

    def test_pages_answer_on_the_same_port(self):
        self.serve(init=False)
        base = self.url.replace('nokv://', 'http://')

        def get(path):
            try:
                with urllib.request.urlopen(base + path, timeout=10) as reply:
                    return reply.status, reply.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        self.assertEqual(get('/healthz')[0], 200)
        status, text = get('/readyz')
        self.assertEqual(status, 503)
        self.assertIn('init', text)
        self.nokv('init')
        self.assertEqual(get('/readyz')[0], 200)
        self.assertIn('nokv_shard_version', get('/metrics')[1])
        self.assertGreaterEqual(json.loads(get('/stats')[1])['shard_version'], 1)
        self.assertIn('version', json.loads(get('/version')[1]))
        self.assertEqual(get('/nothing')[0], 404)

    def objects(self):
        """Files of the server's own object store, in order."""
        root = self.directory / 'meta/objects/blobs'
        return sorted(p for p in root.rglob('*') if p.is_file())

    def test_fsck_of_a_healthy_namespace_is_clean(self):
        self.serve()
        self.nokv('put', '-', '/d/big', stdin=BIG)
        self.nokv('snapshot', 'create', 's')
        self.nokv('put', '-', '/d/small', stdin=b'x')
        self.nokv('rm', '/d/big')
        rows = self.rows('fsck', '--read-data', '--orphans')
        self.assertEqual(len(rows), 1)
        self.assertEqual((rows[0]['problems'], rows[0]['repaired']), (0, 0))
        self.assertGreater(rows[0]['checked'], 5)
        self.fails(1, 'fsck', '/missing')

    def test_fsck_names_a_flipped_byte_and_a_lost_object(self):
        self.serve()
        self.nokv('put', '-', '/d/big', stdin=BIG)
        self.nokv('put', '-', '/d/other', stdin=BIG[:20000])
        victim = self.objects()[0]
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 1
        victim.write_bytes(content)
        self.assertEqual(self.run_nokv('fsck').returncode, 0)  # sizes are right
        done = self.run_nokv('fsck', '--read-data', '--json')
        self.assertEqual(done.returncode, 1)
        problem, summary = map(json.loads, done.stdout.splitlines())
        self.assertEqual(set(problem), {'code', 'severity', 'path', 'id', 'detail', 'repair'})
        self.assertEqual(problem['code'], 'object_checksum')
        self.assertIn(problem['path'], ('/d/big', '/d/other'))
        self.assertIn(victim.name, problem['detail'])
        self.assertEqual(summary['problems'], 1)
        victim.unlink()
        done = self.run_nokv('fsck', '--json', '/d')
        self.assertEqual(done.returncode, 1)
        self.assertEqual(json.loads(done.stdout.splitlines()[0])['code'], 'missing_object')

    def test_fsck_removes_objects_that_no_record_knows(self):
        self.serve()
        self.nokv('put', '-', '/big', stdin=BIG)
        stray = self.objects()[0].parent / '9'
        stray.write_bytes(b'a block too many')
        self.assertEqual(self.run_nokv('fsck', '--orphans').returncode, 1)
        rows = self.rows('fsck', '--orphans', '--repair')
        self.assertEqual(rows[-1]['repaired'], 1)
        self.assertFalse(stray.exists())
        self.assertEqual(self.nokv('cat', '/big'), BIG)
        self.nokv('fsck', '--orphans')

    def test_df_tells_what_keeps_the_space(self):
        self.serve()
        self.nokv('snapshot', 'policy', '--moments', 'none', '--undo', '0s')
        self.nokv('put', '-', '/kept', stdin=BIG)
        self.nokv('put', '-', '/live', stdin=b'12345')
        self.nokv('snapshot', 'create', 's')
        self.nokv('rm', '/kept')
        rows = {(row['reason'], row['name']): row for row in self.rows('df', '--why')}
        self.assertEqual(rows['live', '']['bytes'], 5)
        self.assertEqual(rows['snapshot', 's']['bytes'], len(BIG))
        self.assertEqual(rows['snapshot', 's']['files'], 1)
        for reason in ('moments', 'undo', 'dead', 'uploading'):
            self.assertEqual(rows[reason, '']['bytes'], 0)
        self.assertEqual(self.json('df')['bytes'], len(BIG) + 5)

    def test_garbage_collection_gives_the_bytes_back(self):
        self.serve()
        self.nokv('snapshot', 'policy', '--moments', 'none', '--undo', '0s')
        self.nokv('put', '-', '/big', stdin=BIG)
        objects = self.directory / 'meta/objects/blobs'
        self.assertEqual(sum(1 for p in objects.rglob('*') if p.is_file()), 3)
        self.nokv('rm', '/big')
        self.nokv('gc', '--now', '--grace', '0s')
        # Two passes: what lets go of the body, then the body.
        self.nokv('gc', '--now', '--grace', '0s')
        self.assertEqual(sum(1 for p in objects.rglob('*') if p.is_file()), 0)


if __name__ == '__main__':
    unittest.main()
