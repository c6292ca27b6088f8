#!/usr/bin/env python3
"""Facts about check_text.py."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check_text  # noqa: E402


def breaches(text, name='src/a.cc'):
    data = text if isinstance(text, bytes) else text.encode('utf-8')
    return list(check_text.check_file(name, data))


class CheckText(unittest.TestCase):

    def refuses(self, text, why, name='src/a.cc'):
        found = breaches(text, name)
        self.assertEqual(len(found), 1, found)
        self.assertRegex(found[0], rf'^{name}:\d+: .*{why}')

    def test_plain_text_passes(self):
        self.assertEqual(breaches('int a;\n// a method, todos and hacksaws\n'), [])
        self.assertEqual(breaches(''), [])

    def test_work_put_off_is_refused(self):
        for mark in ('TO' 'DO', 'FIX' 'ME', 'XX' 'X', 'GTEST' '_SKIP', 'DISABLED' '_Slow'):
            self.refuses(f'a\n// {mark}: later\n', mark)

    def test_paths_of_one_machine_are_refused(self):
        for path in ('/ro' 'ot/.cache', '/ho' 'me/ann/x', '/wo' 'rk/main'):
            self.refuses(f'see {path}\n', 'machine')

    def test_paths_below_a_variable_or_a_folder_pass(self):
        self.assertEqual(breaches('$HOME/work/a src/home/b ~/root/c https://x.org/home/d\n'), [])

    def test_a_long_source_file_is_refused_and_a_long_document_is_not(self):
        self.assertEqual(breaches('a\n' * 800), [])
        self.refuses('a\n' * 801, '801 lines')
        self.assertEqual(breaches('a\n' * 801, 'docs/a.md'), [])

    def test_stray_white_space_is_refused(self):
        self.refuses('a \n', 'space')
        self.refuses('a\r\n', 'carriage')
        self.refuses('\ta\n', 'tab')
        self.assertEqual(breaches('\ta\n', 'Makefile'), [])

    def test_a_file_ends_with_one_newline(self):
        self.refuses('a', 'no newline')
        self.refuses('a\n\n', 'more than one newline')

    def test_bytes_that_are_no_text_are_refused(self):
        self.refuses(b'a\xff\n', 'UTF-8')

    def test_a_tree_is_read_through_git_and_golden_files_are_left_alone(self):
        with tempfile.TemporaryDirectory() as root:
            subprocess.run(['git', 'init', '--quiet', root], check=True)
            for name in ('a.cc', 'testdata/b.hex', 'build/c.cc'):
                path = pathlib.Path(root, name)
                path.parent.mkdir(exist_ok=True)
                path.write_text('a \n', encoding='utf-8')
            pathlib.Path(root, '.gitignore').write_text('build/\n', encoding='utf-8')
            done = subprocess.run([sys.executable, check_text.__file__, '--root', root],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr, 'a.cc:1: space at the end\n')


if __name__ == '__main__':
    unittest.main()
