"""What tools/bench.py measured, as docs/benchmarks.md, a plot, and an HTML page.

Standard library only.
"""

import datetime
import html as html_text
import math
import os
import pathlib
import platform
import re
import subprocess

PLOT = 'benchmarks-growth.svg'
SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
NOISE = 1.2


def at_most(limit, unit, field='value'):
    return (f'≤ {limit:g} {unit}'.strip(), lambda row, _: row[field] <= limit)


def at_least(limit, unit):
    return (f'≥ {limit:,} {unit}', lambda row, _: row['value'] >= limit)


def ratio_at_most(limit):
    return (f'≤ {limit:g} × the floor', lambda row, _: row['ratio'] <= limit)


def ratio_at_least(limit):
    return (f'≥ {limit:g} × the floor', lambda row, _: row['ratio'] >= limit)


def one_request():
    return ('one RPC, no object request',
            lambda row, _: row['requests'] < 1.05 and row['object_requests'] == 0)


def as_fast_as(other):
    return (f'as fast as {other}', lambda row, rows:
            row['value'] <= NOISE * rows[(row['section'], other)]['value'])


def sixteen(row, _):
    return row['value'] >= 20_000 and row['p99_us'] < 3_000


# What each row has to reach: words, and whether it does.
AIMS = {
    'create_durable': ratio_at_most(1.6),
    'create_early': ratio_at_most(2.5),
    'create_batch_256': at_least(130_000, 'op/s'),
    'create_16_writers': ('≥ 20,000 op/s, p99 < 3 ms', sixteen),
    'stat_depth_4': ratio_at_most(1.5),
    'stat_pipelined_64': at_least(100_000, 'op/s'),
    'watch_delivery': ('p99 < 5 ms', lambda row, _: row['p99_us'] < 5_000),
    'watch_10': at_least(20_000, 'event/s'),
    'list_1000': at_most(1.5, 'ms'),
    'list_100000': at_most(150, 'ms'),
    'first_page_1000000': as_fast_as('first_page_1000'),
    'publish_1m': ratio_at_least(0.9),
    'publish_64m': ratio_at_least(0.9),
    'read_64m': ratio_at_least(0.9),
    'samples_cold': ratio_at_least(0.9),
    'samples_warm': at_least(100_000, 'samples/s'),
    'put_4k': one_request(),
    'get_4k': one_request(),
    'bytes_per_file': at_most(200, 'bytes'),
    'restart_1000000': at_most(2, 's'),
    'server_memory_1000000': ('bounded by the caches it is given (2 × 256 MiB, 4 × 32 MiB)',
                              lambda row, _: row['value'] <= 704 << 20),
}
AIMS.update({f'{what}_{size}': ratio_at_most(2) for size in SIZES
             for what in ('snapshot', 'clone', 'rollback')})
AIMS.update({f'list_clone_{size}': ratio_at_most(1.5) for size in SIZES})
AIMS.update({f'command_{what}_{size}': at_most(8, 'ms') for size in SIZES
             for what in ('clone', 'snapshot', 'rollback')})
AIMS.update({f'diff_100_{size}': at_most(8, 'ms') for size in SIZES})
AIMS.update({
    'merge_100_100_100000': at_most(30, 'ms'),
    'remove_1000000': at_most(10_000, 'us'),
    'stat_in_clone': ratio_at_most(1.3),
    'space_back_1000000': at_most(120, 's'),
    'writers_while_swept': ('≥ 0.8 of alone', lambda row, _: row['value'] >= 0.8),
    'dump_1000000': at_least(100_000, 'entries/s'),
    'load_1000000': at_least(100_000, 'entries/s'),
})

TITLES = {
    'rows': 'A namespace with bodies in a local directory',
    'million': 'A million files',
    'time': 'Clones, differences, merges as commands, and git',
    's3': 'Bodies in S3: versitygw on the same machine',
    'objects': 'A local directory as an object store, alone',
}


def figure(value):
    """A number with no more digits than mean something."""
    if value is None:
        return '–'
    size = abs(value)
    digits = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 else 3
    return f'{value:,.{digits}f}'


def machine_facts(commit, where):
    """What numbers mean nothing without."""
    cpu = re.search(r'model name\s*:\s*(.*)', pathlib.Path('/proc/cpuinfo').read_text())
    memory = re.search(r'MemTotal:\s*(\d+)', pathlib.Path('/proc/meminfo').read_text())
    system = re.search(r'PRETTY_NAME="(.*)"', pathlib.Path('/etc/os-release').read_text())
    disk = subprocess.run(['findmnt', '-no', 'FSTYPE', '-T', str(where)], capture_output=True,
                          text=True, check=False).stdout.strip()
    git = subprocess.run(['git', '--version'], capture_output=True, text=True,
                         check=False).stdout.replace('git version', '').strip()
    return {'git': git, 'date': datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%d'),
            'commit': commit, 'cores': os.cpu_count(), 'cpu': cpu[1] if cpu else platform.machine(),
            'memory_gib': round(int(memory[1]) / (1 << 20)) if memory else 0,
            'system': system[1] if system else '', 'kernel': platform.release(),
            'filesystem': disk, 'load': os.getloadavg()[1]}


def verdict(row, rows):
    """(aim in words, 'reached', 'missed', 'failed' or '')."""
    words, holds = AIMS.get(row['row'], ('', None)) if row['section'] != 'objects' else ('', None)
    if row['value'] is None:
        return words, 'failed'
    if holds is None:
        return '', ''
    try:
        return words, 'reached' if holds(row, rows) else 'missed'
    except (KeyError, TypeError):
        return words, 'not known'


def judged(rows):
    """Each row with its aim and how it ended."""
    by_name = {(row['section'], row['row']): row for row in rows}
    return [(row, *verdict(row, by_name)) for row in rows]


def cells(row, aim, how):
    floor = row.get('floor')
    value = f"{figure(row['value'])} {row['unit']}" if row['value'] is not None else 'failed'
    runs = row.get('runs', {})
    spread = f"{figure(runs['min'])} – {figure(runs['max'])}" if runs.get('count', 0) > 1 else ''
    requests = row.get('object_requests')
    return [row['row'], aim, value, spread,
            '' if row.get('p50_us') is None else figure(row['p50_us']),
            '' if row.get('p99_us') is None else figure(row['p99_us']),
            f"{floor['row']}: {figure(floor['value'])} {floor['unit']}" if floor else '',
            figure(row['ratio']) if row.get('ratio') is not None else '', how,
            ', '.join(filter(None, (row.get('boundary'), row.get('durability'),
                                    row.get('cache') if row.get('cache') != 'none' else ''))),
            str(row.get('concurrency', '')), '' if requests is None else str(requests),
            f"{row['peak_memory'] / (1 << 20):.0f}" if row.get('peak_memory') else '']


HEADS = ['row', 'aim', 'measured', 'min – max', 'p50 µs', 'p99 µs', 'floor, same run', 'ratio', '',
         'boundary, durability, cache', 'at once', 'object requests', 'client MiB']


# ---- plots: log-log lines over the size of a directory


def series(rows):
    out = {}
    for row in rows:
        found = re.fullmatch(r'(\w+?)_(\d+)', row['row'])
        if not found or row['value'] is None or row.get('entries') is None:
            continue
        scale = {'us': 1, 'ms': 1e3, 's': 1e6}.get(row['unit'])
        if scale and int(found[2]) in SIZES:
            out.setdefault(found[1], {})[int(found[2])] = row['value'] * scale
    return {name: sorted(points.items()) for name, points in sorted(out.items())}


COLORS = ['#0b6e99', '#c4500a', '#3a7d34', '#7a3e9d', '#a02020', '#555555']


def svg(rows):
    """Microseconds over entries, both by powers of ten."""
    lines = series(rows)
    values = [y for points in lines.values() for _, y in points]
    if not values:
        return ''
    width, height, left, bottom, top, right = 760, 420, 80, 50, 20, 170
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) + 1e-9)
    low, high = low, max(high, low + 1)
    first, last = 3, max(6, max(round(math.log10(p[-1][0])) for p in lines.values()))

    def x(entries):
        return left + (math.log10(entries) - first) / (last - first) * (width - left - right)

    def y(value):
        return height - bottom - (math.log10(value) - low) / (high - low) * (height - bottom - top)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="white"/>']
    for power in range(first, last + 1):
        at = x(10 ** power)
        out.append(f'<line x1="{at:.0f}" y1="{top}" x2="{at:.0f}" y2="{height - bottom}" '
                   'stroke="#ddd"/>')
        out.append(f'<text x="{at:.0f}" y="{height - bottom + 18}" text-anchor="middle">'
                   f'{10 ** power:,}</text>')
    names = {0: '1 µs', 1: '10 µs', 2: '100 µs', 3: '1 ms', 4: '10 ms', 5: '100 ms', 6: '1 s',
             7: '10 s'}
    for power in range(low, high + 1):
        at = y(10 ** power)
        out.append(f'<line x1="{left}" y1="{at:.0f}" x2="{width - right}" y2="{at:.0f}" '
                   'stroke="#ddd"/>')
        out.append(f'<text x="{left - 8}" y="{at + 4:.0f}" text-anchor="end">'
                   f'{names.get(power, f"1e{power} µs")}</text>')
    out.append(f'<text x="{(left + width - right) / 2:.0f}" y="{height - 12}" '
               'text-anchor="middle">entries of the directory</text>')
    for at, (name, points) in enumerate(lines.items()):
        color = COLORS[at % len(COLORS)]
        path = ' '.join(f'{x(n):.1f},{y(v):.1f}' for n, v in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        out += [f'<circle cx="{x(n):.1f}" cy="{y(v):.1f}" r="3" fill="{color}"/>'
                for n, v in points]
        out.append(f'<text x="{width - right + 12}" y="{top + 16 + 18 * at}" fill="{color}">'
                   f'{name.replace("_", " ")}</text>')
    out.append('</svg>')
    return '\n'.join(out) + '\n'


# ---- pages

ABOUT = """\
# Benchmarks

Written by `./dev bench`; do not edit. `nokv bench` measures the same rows against a namespace that \
is running.

Measured {date} at commit `{commit}`: {cores} cores of {cpu}, {memory_gib} GiB, {system}, \
kernel {kernel}, {filesystem}. The load average of five minutes was {load:.1f} at the end.

How it is measured:

- Client, server and object store share the machine; the wire is loopback.
- A value is the median of three runs, with the least and the most of them; percentiles are over \
the operations of all three. Rows with one run say so by an empty column.
- Each row stands next to its floor, taken in the same run: `echo_N` is an answer of N bytes to a \
request of 115 between two threads with blocking sockets, one at a time; `fdatasync_N` writes N \
bytes into a file that was written before, in the server's data directory, and syncs it; \
`raw_put` and `raw_get` are the same client's plain requests for the same objects; `copy_N` copies \
N bytes in memory. The ratio is value / floor: at least 1 for times, at most 1 for rates, unless \
the floor does one thing at a time and the row many at once.
- `rpc` rows drive the SDK's session or its reading calls from callbacks, as many on their way at \
once as the row says; `create_batch_256` has transactions of 256 creates, four on their way on one \
connection, and its latencies are of whole transactions; `create_16_writers` has 16 connections \
with a session each and one request on its way on each. `watch_delivery` is from the acknowledgement \
of a create to its event at one watcher, 0 when that came first; `watch_10` is what each of ten \
watchers is told in a second, and its latencies are of whole transactions. `sdk` rows are the blocking calls of \
`nokv::Client`.
- `durable` is after fdatasync of the log; `early` when the outcome is decided. Created files are \
empty.
- `bytes_per_file` is the engine's directory, compacted, without the log and without past records; `record_bytes_per_file` is the same before compression. \
Names that count up, as here, compress better than most.
- `diff_100_N` compares a flat directory with a clone in which 100 files changed; `merge_100_100_N` \
merges a clone into such a directory after 100 changes on each side, by the SDK.
- `command_` rows are whole commands, from the start of the process to its end; `git_` floors are git \
{git} on the same files in a checkout. `command_diff_100_N` and `command_merge_100_100_N` have 100 \
changed files, and 100 on each side. `space_back` is from the answer of `rm -r` until the records are \
swept, with 16 writers at work; `writers_while_swept` is what is left of their rate.
- `restart` is from the start of the process after kill -9 to its first answer, with the same \
version and number of files as before.
"""


def markdown_table(rows):
    out = ['| ' + ' | '.join(HEADS) + ' |', '|' + ' --- |' * len(HEADS)]
    for entry in rows:
        out.append('| ' + ' | '.join(text.replace('|', '\\|') for text in cells(*entry)) + ' |')
    return '\n'.join(out)


def short_of(rows):
    out = []
    for row, aim, how in rows:
        if how == 'missed':
            ratio = f", {figure(row['ratio'])} × the floor" if row.get('ratio') is not None else ''
            store = ' (S3)' if row['section'] == 's3' else ''
            out.append(f"- `{row['row']}`{store}: {figure(row['value'])} {row['unit']}{ratio}; "
                       f'the aim is {aim}.')
        elif how == 'failed':
            out.append(f"- `{row['row']}` failed: {row.get('error', '')}")
    return out


def markdown_page(rows, facts):
    entries = judged(rows)
    missed = short_of(entries)
    parts = [ABOUT.format(**facts), '## What falls short\n',
             '\n'.join(missed) if missed else 'Nothing: every aim is reached.']
    for section, title in TITLES.items():
        part = [entry for entry in entries if entry[0]['section'] == section]
        if part:
            parts += [f'\n## {title}\n', markdown_table(part)]
    parts += ['\n## How cost grows\n', f'![time over the size of a directory]({PLOT})']
    return '\n'.join(parts) + '\n'


def html_page(rows, facts, plot):
    def table(part):
        head = ''.join(f'<th>{html_text.escape(text)}</th>' for text in HEADS)
        body = ''
        for entry in part:
            body += f'<tr class="{entry[2].replace(" ", "_")}">' + ''.join(
                f'<td>{html_text.escape(text)}</td>' for text in cells(*entry)) + '</tr>\n'
        return f'<table><tr>{head}</tr>\n{body}</table>'
    entries = judged(rows)
    style = ('body{font:14px sans-serif;margin:2em}table{border-collapse:collapse}'
             'td,th{border:1px solid #ccc;padding:2px 8px;text-align:left}'
             '.missed,.failed{background:#fdecea}.reached{background:#eef8ee}')
    out = [f'<!doctype html><meta charset="utf-8"><title>nokv benchmarks</title>'
           f'<style>{style}</style><h1>Benchmarks</h1><p>',
           html_text.escape(', '.join(f'{k}: {v}' for k, v in facts.items())), '</p>', plot]
    for section, title in TITLES.items():
        part = [entry for entry in entries if entry[0]['section'] == section]
        if part:
            out += [f'<h2>{title}</h2>', table(part)]
    return '\n'.join(out) + '\n'


def write(rows, facts, html, markdown=None):
    plot = svg(rows)
    html.write_text(html_page(rows, facts, plot), encoding='utf-8')
    if markdown is None:
        return
    markdown.parent.mkdir(parents=True, exist_ok=True)
    markdown.write_text(markdown_page(rows, facts), encoding='utf-8')
    (markdown.parent / PLOT).write_text(plot, encoding='utf-8')
