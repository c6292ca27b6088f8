"""As much of the wire as the tests of bad peers need: docs/formats/frame.md and envelope.md."""

import socket
import struct

PING, COMMIT, LIST, SYNC = 1, 4, 6, 19
UNAVAILABLE, CANCELLED, OVERLOADED = 9, 10, 17


def _table():
    rows = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82f63b78 if n & 1 else 0)
        rows.append(n)
    return rows


CRC = _table()
PREAMBLE = b'nkv1\x01\x00\x00\x00'


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ CRC[(crc ^ byte) & 255]
    return crc ^ 0xffffffff


def varint(n):
    out = bytearray()
    while n >= 128:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def take_varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return value, at
        shift += 7


def frame(message):
    return struct.pack('<II', len(message), crc32c(message)) + message


def request(number, method, body=b'', deadline_ms=0):
    return frame(b'\x01' + varint(number) + varint(method) + varint(deadline_ms) + body)


def field(number, value):
    """One protobuf field: a number, or bytes."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def mkdir_alone(path):
    """The body of a commit that makes a directory, without a session."""
    target = field(1, path.encode())
    return field(8, field(1, field(1, target) + field(2, 0o755)))


def mkdir(session, sequence, attach, path):
    """The same in a session, which it opens with its first one."""
    opening = field(5, 1) if sequence == 1 else b''
    return (field(1, session) + field(2, sequence) + field(3, 1) + field(4, attach) + opening +
            mkdir_alone(path))


class Connection:

    def __init__(self, port, timeout=20):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout)
        self.socket.sendall(PREAMBLE)
        self.data = b''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def take(self, size):
        while len(self.data) < size:
            more = self.socket.recv(1 << 16)
            if not more:
                raise EOFError('closed')
            self.data += more
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def begin(self):
        assert self.take(8)[:4] == b'nkv1'

    def reply(self):
        """(number, code, retry_after_ms) of the next answer."""
        size, crc = struct.unpack('<II', self.take(8))
        message = self.take(size)
        assert crc32c(message) == crc
        number, at = take_varint(message, 1)
        code = message[at]
        self.body = message[at + 1:]
        retry = take_varint(message, at + 2)[0] if code else 0
        return number, code, retry
