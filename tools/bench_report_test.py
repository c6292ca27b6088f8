#!/usr/bin/env python3
"""Tests of bench_report.py: what counts as reached, and what the page shows."""

import unittest

import bench_report

FACTS = {'git': '2.39.5', 'date': '2026-01-02', 'commit': 'abc', 'cores': 2, 'cpu': 'some', 'memory_gib': 8,
         'system': 'Debian', 'kernel': '6', 'filesystem': 'ext4', 'load': 0.1}


def row(name, value, section='rows', **more):
    return {'section': section, 'row': name, 'value': value, 'unit': 'us', 'p50_us': value,
            'p99_us': value, 'runs': {'min': value, 'max': value, 'count': 3},
            'floor': {'row': 'echo', 'value': 100, 'unit': 'us'},
            'ratio': None if value is None else value / 100, 'concurrency': 1, **more}


class Report(unittest.TestCase):

    def verdicts(self, *rows):
        return {entry['row']: how for entry, _, how in bench_report.judged(list(rows))}

    def test_an_aim_is_reached_missed_or_failed(self):
        self.assertEqual(
            self.verdicts(row('create_durable', 160), row('stat_depth_4', 151),
                          row('create_early', None), row('no_aim', 1)),
            {'create_durable': 'reached', 'stat_depth_4': 'missed', 'create_early': 'failed',
             'no_aim': ''})

    def test_sixteen_writers_need_the_rate_and_the_latency(self):
        self.assertEqual(
            self.verdicts(row('create_16_writers', 30_000, p99_us=4_000))['create_16_writers'],
            'missed')

    def test_the_first_page_of_a_million_is_compared_with_that_of_a_thousand(self):
        self.assertEqual(
            self.verdicts(row('first_page_1000', 100), row('first_page_1000000', 130)),
            {'first_page_1000': '', 'first_page_1000000': 'missed'})
        self.assertEqual(self.verdicts(row('first_page_1000000', 1)),
                         {'first_page_1000000': 'not known'})

    def test_what_falls_short_or_failed_is_told(self):
        page = bench_report.markdown_page(
            [row('stat_depth_4', 300), row('create_durable', None, error='disk full')], FACTS)
        self.assertIn('`stat_depth_4`: 300.0 us, 3.00 × the floor', page)
        self.assertIn('`create_durable` failed: disk full', page)
        self.assertIn('| create_durable | ≤ 1.6 × the floor | failed |', page)

    def test_the_plot_has_a_line_for_each_row_that_grows(self):
        rows = [row(f'snapshot_{n}', n / 10, entries=n) for n in (1_000, 10_000, 1_000_000)]
        plot = bench_report.svg(rows + [row('create_durable', 5)])
        self.assertEqual(plot.count('<polyline'), 1)
        self.assertEqual(plot.count('<circle'), 3)
        self.assertIn('>snapshot<', plot)

    def test_without_such_rows_there_is_no_plot(self):
        self.assertEqual(bench_report.svg([row('create_durable', 5)]), '')


if __name__ == '__main__':
    unittest.main()
