"""A real S3 server for a test, and a proxy before it that does what stores do on bad days."""

import http.client
import http.server
import os
import pathlib
import shutil
import socketserver
import subprocess
import tempfile
import threading
import time

from harness import SOURCE

KEYS = {'AWS_ACCESS_KEY_ID': 'testkey', 'AWS_SECRET_ACCESS_KEY': 'testsecret123',
        'AWS_EC2_METADATA_DISABLED': 'true'}
BUCKET = 'bodies'
SCRIPT = str(SOURCE / 'tools/s3_server.sh')


class Gateway:
    """versitygw with one bucket, BUCKET; objects are files below `data`/BUCKET."""

    def __init__(self, test, certificate=None, key=None, name='versitygw'):
        self.home = tempfile.mkdtemp(prefix='nokv-s3-')
        test.addCleanup(shutil.rmtree, self.home, True)
        env = dict(os.environ)
        if certificate is not None:
            env.update(VGW_CERT=str(certificate), VGW_KEY=str(key))
        self.endpoint = subprocess.run(
            [SCRIPT, 'start', name, f'{self.home}/gw', str(os.getpid())], check=True, env=env,
            capture_output=True, text=True, timeout=120).stdout.strip()
        test.addCleanup(self.stop)
        self.data = pathlib.Path(self.home, 'gw/data')
        (self.data / BUCKET).mkdir()

    def stop(self):
        subprocess.run([SCRIPT, 'stop', f'{self.home}/gw'], check=True)

    def blocks(self):
        """The objects of bodies, wherever below the bucket."""
        return sorted(p for p in (self.data / BUCKET).rglob('*') if p.is_file() and
                      'blobs' in p.parts)


def flags(endpoint, bucket=BUCKET, *more):
    return ('--object-backend', 's3', '--object-endpoint', endpoint, '--object-bucket', bucket,
            '--object-region', 'us-east-1', *more)


class Proxy(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Hands every request on; `fault(method, path)` may name something else to do with it:

    ('status', N)   an S3 error of that status   ('slow', S)      S seconds before anything
    ('cut',)        half of the body, then gone  ('other', PATH)  that object instead
    ('drop',)       the connection is closed
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, test, endpoint):
        super().__init__(('127.0.0.1', 0), Handler)
        self.target = endpoint.split('//')[1]
        self.endpoint = f'http://127.0.0.1:{self.server_address[1]}'
        self.fault = lambda method, path: None
        self.seen = []
        threading.Thread(target=self.serve_forever, daemon=True).start()
        test.addCleanup(self.server_close)
        test.addCleanup(self.shutdown)

    def handle_error(self, request, client_address):
        pass  # a client that has had enough of us


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def forward(self, method):
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        path = self.path.split('?')[0]
        self.server.seen.append((method, path))
        fault = self.server.fault(method, path) or ('none',)
        if fault[0] == 'slow':
            time.sleep(fault[1])
        if fault[0] == 'drop':
            self.close_connection = True
            return
        if fault[0] == 'status':
            text = b'<Error><Code>SlowDown</Code><Message>not now</Message></Error>'
            self.answer(fault[1], [('Content-Type', 'application/xml')], text)
            return
        upstream = http.client.HTTPConnection(self.server.target, timeout=30)
        headers = {k: v for k, v in self.headers.items() if k.lower() != 'connection'}
        # The host stays as it was signed.
        upstream.request(method, self.path, body, headers)
        reply = upstream.getresponse()
        text = reply.read()
        upstream.close()
        if fault[0] == 'other' and reply.status < 300:
            text = pathlib.Path(fault[1]).read_bytes()
        self.answer(reply.status, reply.getheaders(), text, cut=fault[0] == 'cut')

    def answer(self, status, headers, text, cut=False):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ('content-length', 'connection', 'transfer-encoding',
                                    'x-amz-checksum-crc32c'):
                self.send_header(name, value)
        length = str(len(text))
        if self.command == 'HEAD':
            length = dict((k.lower(), v) for k, v in headers).get('content-length', length)
        self.send_header('Content-Length', length)
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(text[:len(text) // 2] if cut else text)
        if cut:
            self.close_connection = True

    def do_GET(self):
        self.forward('GET')

    def do_HEAD(self):
        self.forward('HEAD')

    def do_PUT(self):
        self.forward('PUT')

    def do_POST(self):
        self.forward('POST')

    def do_DELETE(self):
        self.forward('DELETE')
