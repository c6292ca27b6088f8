#!/usr/bin/env python3
"""Clone, diff, rollback and undelete by the command: what scripts rely on, and refusals."""

import json
import random
import unittest

from harness import NokvTest

BODY = random.Random(11).randbytes(50_000)


class Time(NokvTest):

    def setUp(self):
        super().setUp()
        self.serve()
        self.local = self.file('local', BODY)
        self.nokv('put', self.local, '/src/d/f')
        self.nokv('put', '-', '/src/text', stdin=b'one\ntwo\nthree\n')

    def changes(self, *words):
        return [(row['change'], row['path'], row.get('old_path')) for row in
                self.rows('diff', *words)]

    def test_a_clone_shows_its_source_and_neither_sees_the_others_changes(self):
        made = self.json('clone', '/src', '/mine')
        self.assertEqual((made['path'], made['from']), ('/mine', '/src'))
        self.assertEqual(made['undo'], 'nokv rm -r /mine')
        self.nokv('put', '-', '/mine/d/f', stdin=b'mine')
        self.nokv('put', '-', '/src/new', stdin=b'theirs')
        self.assertEqual(self.nokv('cat', '/src/d/f'), BODY)
        self.assertEqual(self.nokv('cat', '/mine/d/f'), b'mine')
        self.assertEqual([row['name'] for row in self.rows('ls', '/mine')], ['d', 'text'])
        self.nokv('rm', '-r', '/src')
        self.nokv('snapshot', 'policy', '--moments', 'none', '--undo', '0s')
        self.nokv('gc', '--now', '--grace', '0s')
        self.assertEqual(self.nokv('cat', '/mine/text'), b'one\ntwo\nthree\n')
        self.is_sound()
        self.server.stop()
        self.restart()
        self.assertEqual(self.nokv('cat', '/mine/text'), b'one\ntwo\nthree\n')
        self.nokv('rm', '-r', '/mine')
        self.nokv('gc', '--now', '--grace', '0s')
        self.is_sound()

    def test_a_clone_of_an_older_version(self):
        self.nokv('snapshot', 'create', 's', '/src')
        self.nokv('put', '-', '/src/text', stdin=b'later')
        self.nokv('clone', '--at', 's', '/src', '/then')
        self.assertEqual(self.nokv('cat', '/then/text'), b'one\ntwo\nthree\n')
        self.nokv('snapshot', 'rm', 's')
        self.nokv('gc', '--now', '--grace', '0s')
        self.assertEqual(self.nokv('cat', '/then/text'), b'one\ntwo\nthree\n')
        self.is_sound()

    def test_clones_that_are_refused_change_nothing(self):
        before = self.json('stat', '/')['totals']
        self.assertIn('itself', self.fails(1, 'clone', '/src', '/src/d/c')['message'])
        self.assertEqual(self.fails(1, 'clone', '/src', '/src/d')['code'], 'already_exists')
        self.assertEqual(self.fails(1, 'clone', '/missing', '/c')['code'], 'not_found')
        self.assertEqual(self.fails(1, 'clone', '/src', '/no/such/c')['code'], 'not_found')
        self.assertEqual(self.fails(1, 'clone', '--at', 'nothing', '/src', '/c')['code'],
                         'not_found')
        self.assertEqual(self.json('stat', '/')['totals'], before)
        self.nokv('clone', '-p', '/src', '/no/such/c')
        self.assertEqual(self.nokv('cat', '/no/such/c/d/f'), BODY)

    def test_a_directory_is_rolled_back_and_that_is_undone_by_what_it_prints(self):
        self.nokv('snapshot', 'create', 's', '/src')
        self.nokv('rm', '/src/d/f')
        self.nokv('put', '-', '/src/later', stdin=b'x')
        done = self.json('rollback', '/src', '--to', 's')
        self.assertEqual(self.nokv('cat', '/src/d/f'), BODY)
        self.fails(1, 'stat', '/src/later')
        words = done['undo'].split()
        self.assertEqual(words[:2], ['nokv', 'rollback'])
        self.nokv(*words[1:])
        self.assertEqual(self.nokv('cat', '/src/later'), b'x')
        self.fails(1, 'stat', '/src/d/f')
        self.is_sound()

    def test_everything_is_rolled_back(self):
        self.nokv('snapshot', 'create', 's')
        self.nokv('rm', '-r', '/src')
        self.nokv('put', '-', '/other', stdin=b'x')
        done = self.json('rollback', '/', '--to', 's')
        self.assertEqual([row['name'] for row in self.rows('ls', '/')], ['src'])
        self.assertEqual(self.nokv('cat', '/src/d/f'), BODY)
        self.nokv(*done['undo'].split()[1:])
        self.assertEqual([row['name'] for row in self.rows('ls', '/')], ['other'])
        self.is_sound()

    def test_a_file_is_rolled_back_with_its_attributes(self):
        self.nokv('chmod', '640', '/src/text')
        self.nokv('snapshot', 'create', 's')
        self.nokv('put', '-', '/src/text', stdin=b'other')
        self.nokv('chmod', '600', '/src/text')
        done = self.json('rollback', '/src/text', '--to', 's')
        self.assertEqual(self.nokv('cat', '/src/text'), b'one\ntwo\nthree\n')
        self.assertEqual(self.json('stat', '/src/text')['mode'], 0o640)
        self.nokv(*done['undo'].split()[1:])
        self.assertEqual(self.nokv('cat', '/src/text'), b'other')

    def test_a_rollback_to_nothing_says_what_is_kept(self):
        error = self.fails(1, 'rollback', '/src', '--to', 'v999999')
        self.assertEqual(error['code'], 'not_found')
        self.assertEqual(self.run_nokv('rollback', '/src').returncode, 2)
        self.assertIn('nokv undelete', self.fails(1, 'rollback', '/src/gone', '--to', 'v1')['hint'])

    def test_a_directory_comes_back_at_once_also_when_its_name_was_taken(self):
        removed = self.json('rm', '-r', '/src')
        self.nokv('mkdir', '/src')
        taken = self.fails(1, *removed['undo'].split()[1:])
        self.assertIn('--as', taken['hint'])
        back = self.json('undelete', '/src', '--as', '/back')
        self.assertEqual(back['undo'], 'nokv rm -r /back')
        self.assertEqual(self.nokv('cat', '/back/d/f'), BODY)
        self.is_sound()

    def test_the_log_and_citations_go_through_renames(self):
        self.nokv('snapshot', 'policy', '--moments', 'none')
        first = self.json('put', '-', '/old', stdin=b'one')
        self.nokv('snapshot', 'create', 'before')
        self.nokv('mkdir', '/d')
        self.nokv('mv', '/old', '/d/new')
        self.nokv('append', '-', '/d/new', stdin=b'two')  # keeps nothing for undo
        rows = self.rows('log', '/d/new')
        self.assertEqual([row['path'] for row in rows], ['/d/new', '/old'])
        self.assertTrue(self.nokv('log', '/d/new').splitlines()[1].endswith(b'/old'))
        cited = f'nokv-native:///d/new@generation:{first["generation"]}'
        self.assertEqual(self.nokv('cat', cited), b'one')

    def test_what_differs_is_told_by_node(self):
        self.nokv('snapshot', 'create', 's', '/src')
        self.nokv('mkdir', '/src/e')
        self.nokv('mv', '/src/d/f', '/src/e/g')
        self.nokv('put', '-', '/src/text', stdin=b'one\n2\nthree\n')
        self.nokv('chmod', '700', '/src/d')
        self.nokv('put', '-', '/src/new', stdin=b'x')
        self.assertEqual(sorted(self.changes('--from', 's', '/src'), key=str), sorted([
            ('attributes', '/src/d', None), ('renamed', '/src/e/g', '/src/d/f'),
            ('created', '/src/e', None), ('created', '/src/new', None),
            ('content', '/src/text', None)], key=str))
        row = [row for row in self.rows('diff', '--from', 's', '/src')
               if row['change'] == 'content'][0]
        self.assertEqual((row['old']['size'], row['new']['size']), (14, 12))
        self.assertTrue(row['new']['digest'].startswith('sha256:'))
        text = self.nokv('diff', '-u', '--from', 's', '/src').decode()
        self.assertIn(' one\n-two\n+2\n three\n', text)
        self.assertEqual(set(self.nokv('diff', '--name-only', '--from', 's', '/src').split()),
                         {b'/src/d', b'/src/e', b'/src/e/g', b'/src/new', b'/src/text'})
        self.assertIn(b'1 renamed', self.nokv('diff', '--stat', '--from', 's', '/src'))
        self.assertEqual(self.changes('--from', 's', '/src', '--to', 's'), [])

    def test_a_clone_and_its_source_differ_by_what_was_changed_in_either(self):
        self.nokv('clone', '/src', '/mine')
        self.assertEqual(self.changes('/src', '/mine'), [])
        self.nokv('rm', '/mine/d/f')
        self.nokv('put', '-', '/src/text', stdin=b'changed')
        self.assertEqual(sorted(self.changes('/src', '/mine')), [
            ('content', '/mine/text', '/src/text'), ('removed', '/src/d/f', None)])
        self.nokv('mkdir', '/unrelated')
        error = self.fails(1, 'diff', '/src', '/unrelated')
        self.assertIn('nothing in common', error['message'])
        self.assertEqual(self.run_nokv('diff', '/src').returncode, 2)

    def test_a_merge_brings_back_what_a_clone_changed(self):
        self.nokv('clone', '/src', '/mine')
        self.assertEqual(self.json('stat', '/mine')['cloned_from']['path'], '/src')
        self.nokv('put', '-', '/mine/text', stdin=b'mine')
        self.nokv('mv', '/mine/d/f', '/mine/g')
        self.nokv('put', self.file('more', BODY + b'more'), '/mine/more')
        self.nokv('put', '-', '/src/other', stdin=b'other')
        before = self.json('stat', '/src')['totals']
        checked = self.json('merge', '--check', '/mine')
        self.assertTrue(checked['merged'])
        self.assertNotIn('version', checked)
        self.assertEqual(self.json('stat', '/src')['totals'], before)
        done = self.json('merge', '/mine')
        self.assertEqual(done['changes'], {'created': 1, 'removed': 0, 'renamed': 1, 'content': 1,
                                           'attributes': 0})
        self.assertEqual(self.nokv('cat', '/src/text'), b'mine')
        self.assertEqual(self.nokv('cat', '/src/g'), BODY)
        self.assertEqual(self.nokv('cat', '/src/more'), BODY + b'more')
        self.assertEqual(self.nokv('cat', '/src/other'), b'other')
        self.is_sound()
        self.assertEqual(self.json('merge', '/mine')['changes']['content'], 0)
        self.nokv(*done['undo'].split()[1:])
        self.assertEqual(self.json('stat', '/src')['totals'], before)
        self.is_sound()

    def test_a_clone_goes_on_after_a_merge(self):
        self.nokv('clone', '/src', '/mine')
        for text in (b'first', b'second'):
            self.nokv('put', '-', '/mine/text', stdin=text)
            self.nokv('put', '-', '/src/theirs', stdin=text)
            done = self.json('merge', '/mine', '--renew')
            self.assertEqual((done['merged'], done['renewed']), (True, True))
            self.assertEqual(self.nokv('cat', '/src/text'), text)
            self.assertEqual(self.nokv('cat', '/mine/theirs'), text)
            self.assertEqual(self.nokv('diff', '/src', '/mine'), b'')
        self.assertIn('new clone', self.nokv('merge', '/mine', '--renew').decode())
        self.nokv(*done['renew_undo'].split()[1:])
        self.assertEqual(self.nokv('cat', '/mine/text'), b'second')
        self.assertEqual(self.run_nokv('merge', '/mine', '--renew', '--at', '1s').returncode, 2)
        self.is_sound()

    def test_a_clone_replaces_what_is_there_when_told(self):
        self.nokv('clone', '/src', '/mine')
        self.nokv('put', '-', '/mine/text', stdin=b'mine')
        self.fails(1, 'clone', '/src', '/mine')
        done = self.json('clone', '/src', '/mine', '--replace')
        self.assertEqual(self.nokv('cat', '/mine/text'), b'one\ntwo\nthree\n')
        self.assertTrue(done['undo'].startswith('nokv rollback /mine --to v'))
        self.nokv(*done['undo'].split()[1:])
        self.assertEqual(self.nokv('cat', '/mine/text'), b'mine')
        self.assertEqual(self.fails(1, 'clone', '/src', '/mine/text', '--replace')['code'],
                         'not_directory')
        self.is_sound()

    def test_conflicts_of_a_merge_are_told_and_decided_as_said(self):
        self.nokv('clone', '/src', '/mine')
        self.nokv('put', '-', '/mine/text', stdin=b'mine')
        self.nokv('put', '-', '/src/text', stdin=b'ours')
        self.nokv('put', '-', '/mine/new', stdin=b'new')
        failed = self.run_nokv('--json', 'merge', '/mine')
        self.assertEqual(failed.returncode, 1)
        told = json.loads(failed.stdout)
        self.assertFalse(told['merged'])
        self.assertNotIn('error', told)
        conflict, = told['conflicts']
        self.assertEqual((conflict['path'], conflict['kind']), ('/src/text', 'content'))
        self.assertEqual(self.nokv('cat', conflict['theirs']['citation']), b'mine')
        self.assertEqual(self.nokv('cat', conflict['ours']['citation']), b'ours')
        self.assertEqual([row['name'] for row in self.rows('ls', '/src')], ['d', 'text'])
        text = self.run_nokv('merge', '/mine')
        self.assertIn(b'/src/text: both changed it', text.stdout)
        self.assertIn(b'--theirs', text.stderr)
        self.nokv('merge', '/mine', '--conflicts-to', '/left')
        self.assertEqual(self.nokv('cat', '/src/text'), b'ours')
        self.assertEqual(self.nokv('cat', '/src/new'), b'new')
        self.assertEqual(self.nokv('cat', '/left/text'), b'mine')
        self.nokv('merge', '/mine', '--theirs')
        self.assertEqual(self.nokv('cat', '/src/text'), b'mine')
        self.assertEqual(self.run_nokv('merge', '/mine', '--ours', '--theirs').returncode, 2)
        self.assertIn('is no clone', self.fails(1, 'merge', '/src')['message'])
        self.nokv('mkdir', '/unrelated')
        self.assertIn('nothing in common',
                      self.fails(1, 'merge', '/mine', '/unrelated')['message'])
        self.is_sound()


if __name__ == '__main__':
    unittest.main()
