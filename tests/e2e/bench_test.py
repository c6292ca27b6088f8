#!/usr/bin/env python3
"""nokv bench and objbench: every row and its floor, in time; nothing is left behind."""

import json
import os
import signal
import subprocess
import time
import unittest

from harness import BINARY, NokvTest

FIELDS = {'row', 'value', 'unit', 'p50_us', 'p99_us', 'runs', 'floor', 'ratio', 'boundary',
          'durability', 'cache', 'concurrency'}
QUICK_MAX_S = 45


class Bench(NokvTest):

    def check_rows(self, rows):
        for row in rows:
            self.assertLessEqual(FIELDS, row.keys(), row)
            self.assertIsNotNone(row['value'], row)
            told_before_the_answer = row['row'] == 'watch_delivery' and row['value'] == 0
            self.assertTrue(row['value'] > 0 or told_before_the_answer, row)
            self.assertEqual(set(row['floor']), {'row', 'value', 'unit'}, row)
            self.assertEqual(row['floor']['unit'], row['unit'], row)
            self.assertTrue(row['ratio'] > 0 or told_before_the_answer, row)

    def left_behind(self):
        return [row['name'] for row in self.rows('ls', '/')]

    def test_quick_gives_every_row_with_its_floor_in_time(self):
        self.serve()
        known = [row['row'] for row in self.rows('bench', '--list')]
        began = time.monotonic()
        rows = self.rows('bench', '--quick')
        self.assertLess(time.monotonic() - began, QUICK_MAX_S)
        self.check_rows(rows)
        large = [name for name in known if name.endswith(('_1000000', '_10000000'))]
        self.assertEqual([row['row'] for row in rows],
                         [name for name in known if name not in large])
        small = {row['row']: row for row in rows if row['row'] in ('put_4k', 'get_4k')}
        for row in small.values():
            self.assertLess(row['requests'], 1.05, row)
            self.assertEqual(row['object_requests'], 0, row)
        self.assertEqual(self.left_behind(), [])
        self.assertEqual(self.rows('snapshot', 'ls'), [])

    def test_it_measures_a_namespace_that_it_opens_itself(self):
        store = f'file://{self.directory}/embedded'
        self.nokv('init', store=store)
        rows = self.rows('bench', '--quick', '--rows', 'create_durable,stat_depth_4,read_64m',
                         store=store)
        self.assertEqual([row['row'] for row in rows],
                         ['create_durable', 'stat_depth_4', 'read_64m'])
        self.check_rows(rows)
        self.assertIn('embedded', rows[0]['boundary'])

    def test_it_works_below_a_path_and_keeps_what_it_made_when_asked(self):
        self.serve()
        self.nokv('mkdir', '/scratch')
        self.rows('bench', '/scratch', '--quick', '--rows', 'create_early', '--keep')
        names = [row['name'] for row in self.rows('ls', '/scratch')]
        self.assertEqual(len(names), 1)
        self.assertTrue(names[0].startswith('.bench-'), names)

    def test_without_a_server_it_ends_with_4(self):
        self.url = 'nokv://127.0.0.1:1'
        error = self.fails(4, '--deadline', '1s', 'bench', '--quick')
        self.assertEqual(error['code'], 'unavailable')
        self.assertIn('nokv serve', error['hint'])

    def test_an_unknown_row_is_a_mistake_and_the_near_one_is_named(self):
        self.serve()
        error = self.fails(2, 'bench', '--rows', 'create_durabel')
        self.assertIn('create_durable', error['hint'])
        self.fails(2, 'objbench', '--sizes', '4x')
        self.fails(2, 'objbench', '--concurrency', '0')

    def test_an_interrupt_leaves_nothing_behind(self):
        self.serve()
        process = subprocess.Popen([BINARY, '--json', 'bench', '--rows', 'create_batch_256'],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env={**os.environ, 'NOKV_STORE': self.url})
        end = time.monotonic() + 20
        while not self.left_behind():
            self.assertLess(time.monotonic(), end, 'it never began')
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, out)
        self.assertEqual(json.loads(out.splitlines()[-1])['error']['code'], 'cancelled')
        self.assertEqual(self.left_behind(), [])

    def test_an_object_store_is_measured_alone(self):
        meta = self.directory / 'alone'
        rows = self.rows('--meta', meta, 'objbench', '--quick', '--sizes', '4k', '--concurrency',
                         '2')
        self.assertEqual([row['row'] for row in rows], ['put_4k_2', 'get_4k_2', 'delete_4k'])
        self.check_rows(rows)
        objects = [path for path in (meta / 'objects').rglob('*')
                   if path.is_file() and '.tmp' not in path.parts]
        self.assertEqual(objects, [])


if __name__ == '__main__':
    unittest.main()
