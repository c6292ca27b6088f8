#!/usr/bin/env python3
"""Peers: thousands that are idle, fast ones, slow ones, broken ones, and ones that come back."""

import json
import os
import random
import resource
import socket
import struct
import subprocess
import time
import unittest

from harness import BINARY, NokvTest
from rpc import (CANCELLED, COMMIT, LIST, OVERLOADED, PING, PREAMBLE, SYNC, UNAVAILABLE, Connection,
                 field, frame, mkdir, mkdir_alone, request)

IDLE = 3000


class Connections(NokvTest):

    def rss_kb(self):
        with open(f'/proc/{self.server.process.pid}/status') as status:
            return int(next(line.split()[1] for line in status if line.startswith('VmRSS')))

    def test_thousands_of_idle_connections_cost_little_and_hold_up_nobody(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        self.serve()
        self.nokv('put', '-', '/f', stdin=b'x')
        before = self.rss_kb()
        idle = []
        try:
            for _ in range(IDLE):
                idle.append(Connection(self.server.port()))
            for connection in idle:
                connection.begin()
            each = (self.rss_kb() - before) / IDLE
            self.assertLess(each, 16, f'{each:.1f} KiB for each')
            began = time.monotonic()
            self.assertEqual(self.nokv('cat', '/f'), b'x')
            self.assertLess(time.monotonic() - began, 5)
            for connection in (idle[0], idle[-1]):  # they are served when they speak
                connection.socket.sendall(request(1, PING))
                self.assertEqual(connection.reply()[:2], (1, 0))
        finally:
            for connection in idle:
                connection.socket.close()
        print(f'{each:.1f} KiB for each of {IDLE} idle connections', flush=True)

    def test_requests_are_answered_without_waiting_for_each_other(self):
        self.serve()
        with Connection(self.server.port()) as peer:
            peer.begin()
            peer.socket.sendall(b''.join(request(n, PING) for n in range(1000)))
            self.assertEqual(sorted(peer.reply()[:2] for _ in range(1000)),
                             [(n, 0) for n in range(1000)])

    def test_beyond_the_bound_a_connection_is_told_when_to_come_again(self):
        rule = self.directory / 'rule'
        self.serve(env={'LD_PRELOAD': os.environ['NOKV_DISK_FAULTS'], 'NOKV_DISK_FAULT': str(rule)})
        self.nokv('put', '-', '/f', stdin=b'x')
        rule.write_text('hold 0 meta/log')
        with Connection(self.server.port()) as peer:
            peer.begin()
            peer.socket.sendall(b''.join(request(n, COMMIT, mkdir_alone(f'/{n}'))
                                         for n in range(2100)))
            turned_away = [peer.reply() for _ in range(2100 - 2048)]
            for _, code, retry in turned_away:
                self.assertEqual(code, OVERLOADED)
                self.assertGreater(retry, 0)
            self.assertEqual(self.nokv('cat', '/f'), b'x')  # others do not notice
            rule.unlink()
            self.assertEqual({peer.reply()[1] for _ in range(2048)}, {0})

    def test_a_version_that_does_not_come_is_not_waited_for(self):
        self.serve()
        with Connection(self.server.port()) as peer:
            peer.begin()
            peer.socket.sendall(request(1, SYNC, field(1, 1 << 60)))
            self.assertEqual(peer.reply()[:2], (1, UNAVAILABLE))
            self.assertIn(b'the newest is', peer.body)

    def test_a_request_whose_deadline_passed_in_the_queue_is_refused_and_not_done(self):
        self.serve()
        listing = ''.join(json.dumps({'local': str(self.file('x', b'x')), 'path': f'/d/{i}'}) + '\n'
                          for i in range(500))
        self.nokv('publish', '--from', '-', stdin=listing.encode())
        slow = [request(n, LIST, field(1, field(1, b'/d'))) for n in range(50)]
        with Connection(self.server.port()) as peer:
            peer.begin()
            peer.socket.sendall(b''.join(slow) + request(50, COMMIT, mkdir_alone('/late'), 1) +
                                request(51, COMMIT, mkdir_alone('/patient'), 10_000))
            codes = dict(peer.reply()[:2] for _ in range(52))
        self.assertEqual({codes[n] for n in range(50)}, {0})
        self.assertEqual((codes[50], codes[51]), (CANCELLED, 0))
        self.assertEqual([row['path'] for row in self.rows('ls', '/')], ['/d', '/patient'])

    def test_a_client_is_served_again_once_the_server_is_back(self):
        self.serve()
        self.nokv('put', '-', '/f', stdin=b'x')
        port = self.server.port()
        self.assertEqual(self.server.stop(), 0)
        self.server.flags = ('--server-bind', f'127.0.0.1:{port}')
        waiting = subprocess.Popen([BINARY, '--deadline', '20s', 'cat', '/f'],
                                   env={**os.environ, 'NOKV_STORE': self.url},
                                   stdout=subprocess.PIPE)
        time.sleep(0.3)
        self.restart()
        self.assertEqual(waiting.communicate(timeout=30)[0], b'x')
        self.assertEqual(waiting.returncode, 0)

    def ask(self, *bodies):
        """(code, body) of each commit, over a connection of its own."""
        with Connection(self.server.port()) as peer:
            peer.begin()
            answers = []
            for number, body in enumerate(bodies):
                peer.socket.sendall(request(number, COMMIT, body))
                self.assertEqual(peer.reply()[0], number)
                answers.append(peer.body)
            return answers

    def test_the_same_request_again_is_done_once_and_answered_alike_also_after_a_restart(self):
        self.serve()
        session = bytes(range(1, 17))
        first, second = mkdir(session, 1, 1, '/a'), mkdir(session, 2, 1, '/b')
        answers = self.ask(first, second)
        self.assertEqual(self.ask(second, first), answers[::-1])
        for end in (self.server.kill, self.server.stop):
            end()
            self.restart()
            # From another connection, as a client that comes back.
            again = [mkdir(session, 1, 2, '/a'), mkdir(session, 2, 2, '/b')]
            self.assertEqual(self.ask(*again), answers)
        self.assertEqual([row['name'] for row in self.rows('ls', '/')], ['a', 'b'])
        # What comes from before it came back is not looked at any more.
        late = self.run_late(mkdir(session, 3, 1, '/late'))
        self.assertNotEqual(late, 0)
        self.fails(1, 'stat', '/late')

    def run_late(self, body):
        with Connection(self.server.port()) as peer:
            peer.begin()
            peer.socket.sendall(request(1, COMMIT, mkdir(bytes(range(1, 17)), 3, 3, '/c')))
            self.assertEqual(peer.reply()[1], 0)
            peer.socket.sendall(request(2, COMMIT, body))
            return peer.reply()[1]

    # ---- broken ones

    def closed(self, *pieces):
        """What came back before the server closed the connection that sent `pieces`."""
        with socket.create_connection(('127.0.0.1', self.server.port()), 20) as s:
            answer = b''
            try:
                for piece in pieces:
                    s.sendall(piece)
                while more := s.recv(65536):
                    answer += more
            except ConnectionError:
                pass
            return answer

    def test_a_frame_that_is_too_long_or_damaged_ends_its_connection_with_a_reason(self):
        self.serve()
        long = struct.pack('<II', (8 << 20) + 1, 0)
        self.assertEqual(self.closed(PREAMBLE, long)[:4], b'nkv1')
        damaged = bytearray(request(1, PING))
        damaged[4] ^= 1
        self.assertEqual(self.closed(PREAMBLE, bytes(damaged))[:4], b'nkv1')
        self.assertEqual(self.closed(PREAMBLE, frame(b'\x07'))[:4], b'nkv1')  # no such kind
        self.closed(b'nkv1\x63\x00\x00\x00')  # version 99
        self.nokv('put', '-', '/f', stdin=b'x')
        self.assertEqual(self.nokv('cat', '/f'), b'x')

    def test_a_body_that_is_no_request_is_an_answer_not_the_end(self):
        self.serve()
        pick = random.Random(2)
        with Connection(self.server.port()) as peer:
            peer.begin()
            for n in range(200):
                peer.socket.sendall(request(n, pick.randrange(1, 40),
                                            pick.randbytes(pick.randrange(1, 200))))
                if n % 20 == 19:
                    peer.socket.sendall(request(10_000 + n, PING))
                    while peer.reply()[0] != 10_000 + n:
                        pass
        self.nokv('put', '-', '/f', stdin=b'x')

    def test_a_promised_message_that_does_not_come_takes_no_memory(self):
        self.serve()
        before = self.rss_kb()
        peers = []
        for _ in range(200):
            peer = Connection(self.server.port())
            peer.socket.sendall(struct.pack('<II', 8 << 20, 0) + b'x')
            peers.append(peer)
        for peer in peers:
            peer.begin()
        self.assertLess(self.rss_kb() - before, 64 << 10)
        self.nokv('put', '-', '/f', stdin=b'x')
        for peer in peers:
            peer.socket.close()

    # ---- HTTP

    def test_a_slow_http_header_is_not_waited_for_for_ever(self):
        self.serve()
        began = time.monotonic()
        with socket.create_connection(('127.0.0.1', self.server.port()), 30) as s:
            try:
                for piece in (b'GET /healthz HT', b'TP/1.1\r\n', b'X-A: b\r\n'):
                    s.sendall(piece)
                    time.sleep(0.3)
                while s.recv(65536):
                    pass
            except ConnectionError:
                pass
        self.assertLess(time.monotonic() - began, 20)
        self.nokv('put', '-', '/f', stdin=b'x')

    def test_http_that_is_too_big_or_nonsense_is_refused(self):
        self.serve()
        for sent in (b'GET /' + b'x' * 60_000 + b' HTTP/1.1\r\n\r\n',
                     b'GET /healthz HTTP/1.1\r\n' + b'X-Y: ' + b'z' * 60_000 + b'\r\n\r\n',
                     b'POST /gc HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n',
                     b'NONSENSE\r\n\r\n'):
            answer = self.closed(sent)
            self.assertNotIn(b'200 OK', answer)
        for method in (b'DELETE', b'PUT'):
            answer = self.closed(method + b' /healthz HTTP/1.1\r\nConnection: close\r\n\r\n')
            self.assertIn(b'405', answer)
        answer = self.closed(b'GET /gc HTTP/1.1\r\nConnection: close\r\n\r\n')
        self.assertIn(b'405', answer)  # side effects are POST only
        answer = self.closed(b'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n')
        self.assertIn(b'200 OK', answer)


if __name__ == '__main__':
    unittest.main()
