"""The released MegEngine as judge of graph files: loads each, runs it, compares the results.

Run by a developer in an environment that has MegEngine (see README.md beside this file); not part
of the test run. A case is

* a folder as `cli.ts check` reads it: `model.mge`, `inputs/NAME.npy` or `inputs.safetensors`,
  `outputs/NAME.npy` or `outputs.safetensors`, optionally `tolerance.json`; NAME is the variable's
  name with every character outside A-Za-z0-9._- percent-encoded, or its zero-based position;
* `NAME.mge` of the test-case container (`mgbtest0`), whose own assertions then decide;
* or `CASE.mge` with `CASE.inputs.npz` and `CASE.outputs.npz` beside it (keys: NAME as above, or the
  plain name), optionally `CASE.tolerance.json`.

MegEngine's loader is C++ and aborts on some damage, so cases run in worker processes of a few cases
each: a case during which the worker dies or hangs is named and the rest of the chunk goes on in a
new one. Works with Python 3.6 or later and NumPy; prints one line a failure and the totals.
"""
import argparse
import json
import os
import re
import select
import struct
import subprocess
import sys
import tempfile
import time
from urllib.parse import unquote

import numpy as np


def starts_with(path, tag):
    with open(path, "rb") as file:
        return file.read(len(tag)) == tag


def find_cases(roots):
    """Every case below the roots, as (display name, path of the graph file), sorted."""
    found = []
    for root in roots:
        if os.path.isfile(root):
            found.append((root, root))
        for folder, _, files in os.walk(root):
            for name in files:
                path = os.path.join(folder, name)
                stem = path[: -len(".mge")]
                if name == "model.mge":
                    found.append((os.path.relpath(folder, root), path))
                elif name.endswith(".mge") and (
                    os.path.exists(stem + ".inputs.npz") or starts_with(path, b"mgbtest0")
                ):
                    found.append((os.path.relpath(stem, root), path))
    return sorted(found)


SAFE = {
    "F32": np.float32, "F16": np.float16, "I32": np.int32, "I16": np.int16, "I8": np.int8,
    "U8": np.uint8, "U16": np.uint16, "BOOL": np.bool_,
}


def read_safetensors(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size).decode("utf-8"))
        body = file.read()
    header.pop("__metadata__", None)
    values = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = np.frombuffer(body[begin:end], dtype=SAFE[entry["dtype"]])
        values[name] = flat.reshape(entry["shape"])
    return values


def read_values(path, kind):
    """The arrays of one side of a case (kind: inputs or outputs) by name or position."""
    folder = os.path.dirname(path)
    beside = path[: -len(".mge")] + "." + kind + ".npz"
    if os.path.basename(path) != "model.mge":
        with np.load(beside, allow_pickle=False) as archive:
            return {unquote(name): archive[name] for name in archive.files}
    packed = os.path.join(folder, kind + ".safetensors")
    if os.path.exists(packed):
        return read_safetensors(packed)
    loose = os.path.join(folder, kind)
    names = sorted(os.listdir(loose)) if os.path.isdir(loose) else []
    return {
        unquote(name[: -len(".npy")]): np.load(os.path.join(loose, name), allow_pickle=False)
        for name in names
        if name.endswith(".npy")
    }


def read_tolerance(path, rtol, atol):
    stem = path[: -len(".mge")] + ".tolerance.json"
    file = os.path.join(os.path.dirname(path), "tolerance.json")
    for one in ([file] if os.path.basename(path) == "model.mge" else [stem]):
        if os.path.exists(one):
            with open(one) as text:
                stated = json.load(text)
            rtol, atol = stated.get("rtol", rtol), stated.get("atol", atol)
    return rtol, atol


def pair(values, names, what):
    """Matches recorded arrays with the graph's variables, by name first, then by position."""
    matched = {}
    for key, value in values.items():
        at = [i for i, name in enumerate(names) if name == key]
        if len(at) == 1:
            matched[at[0]] = value
        elif re.match(r"^\d+$", key) and int(key) < len(names):
            matched[int(key)] = value
        else:
            raise ValueError("no %s %r in the file, which has %s" % (what, key, names))
    return matched


def differ(got, want, rtol, atol):
    """None if the arrays agree, else the reason with the first and the worst differing value."""
    if want.dtype != got.dtype:
        return "dtype %s, recorded %s" % (got.dtype, want.dtype)
    if (want.shape or (1,)) != (got.shape or (1,)):
        return "shape %s, recorded %s" % (list(got.shape), list(want.shape))
    got, want = got.reshape(-1), want.reshape(-1)
    if want.dtype.kind == "f":
        with np.errstate(invalid="ignore", over="ignore"):
            gap = np.abs(got.astype(np.float64) - want.astype(np.float64))
            agree = (got == want) | (np.isnan(got) & np.isnan(want))
            agree |= gap <= atol + rtol * np.abs(want.astype(np.float64))
    else:
        gap = np.abs(got.astype(np.float64) - want.astype(np.float64))
        agree = got == want
    if agree.all():
        return None
    bad = np.flatnonzero(~agree)
    worst = bad[np.argmax(np.nan_to_num(gap[bad], nan=np.inf, posinf=np.inf))]
    return "%d of %d differ; first [%d] got %r want %r; worst [%d] got %r want %r" % (
        len(bad), len(want), bad[0], got[bad[0]].item(), want[bad[0]].item(),
        worst, got[worst].item(), want[worst].item(),
    )


class Loaded:
    """A graph made ready to run, its inputs and outputs in the file's order."""

    def __init__(self, image):
        import io
        import megengine.utils.comp_graph_tools as tools
        from megengine.core.tensor import megbrain_graph as graphs

        loaded = graphs.load_graph(io.BytesIO(image))
        # Level 0: the file's operators run as they are, none rewritten or folded.
        loaded.graph.options.graph_opt_level = 0
        found = loaded.output_vars_list
        self.outputs = [var.name for var in found]
        replaced, feeds = tools.convert_inputs(found)
        self.feeds = list(feeds.items())
        self.inputs = [name for name, _ in self.feeds]
        self.dtypes = [node.dtype for _, node in self.feeds]
        self.results = [graphs.OutputNode(var) for var in replaced]
        self.function = loaded.graph.compile([node.outputs[0] for node in self.results])

    def run(self, values, wanted=None):
        """Runs on one array per input, returns the wanted outputs (or all) by position."""
        from megengine import Tensor

        for (_, node), value in zip(self.feeds, values):
            node.set_value(Tensor(value, dtype=node.dtype, device=node.device)._dev_tensor())
        self.function.execute()
        self.function.wait()
        found = {}
        for i, node in enumerate(self.results):
            if wanted is None or i in wanted:
                found[i] = node.get_value().numpy()
            else:
                node.drop_value()  # raw bytes have no NumPy dtype, and a value must be taken
        return found


def split_images(data):
    """The graph images that lie one behind the other in a test-case container."""
    count = struct.unpack_from("<I", data, 8)[0]
    at, images = 12, []
    for _ in range(count + 1):
        start = at
        if data[at : at + 4] in (b"MGBC", b"MGBS"):
            head = 24 if data[at : at + 4] == b"MGBC" else 16
            at += head + struct.unpack_from("<Q", data, at + head - 8)[0]
        at += 4 + struct.unpack_from("<I", data, at)[0]
        if at > len(data):
            raise ValueError("image %d ends at %d, the file at %d" % (len(images), at, len(data)))
        images.append(data[start:at])
    return images


def judge_container(data):
    """Runs every embedded case; MegEngine's AssertEqual raises where the values differ."""
    images = split_images(data)
    main = Loaded(images[0])
    order = sorted(range(len(main.inputs)), key=lambda i: main.inputs[i].encode("utf-8"))
    for image in images[1:]:
        case = Loaded(image)
        values = case.run([])
        if len(values) != len(order):
            raise ValueError("%d values for %d inputs" % (len(values), len(order)))
        fed = [None] * len(order)
        for position, i in enumerate(order):
            fed[i] = values[position]
        main.run(fed, [])
    return ["no cases in the container"] if len(images) == 1 else []


def judge_one(path, rtol, atol):
    """Loads and runs one case. Returns the list of differences, or raises."""
    from megengine.utils.network import Network

    with open(path, "rb") as file:
        data = file.read()
    if data[:8] == b"mgbtest0":
        return judge_container(data)
    # The public entry first: it walks every operator and builds its own view of the graph.
    Network.load(path)
    rtol, atol = read_tolerance(path, rtol, atol)
    graph = Loaded(data)
    inputs = pair(read_values(path, "inputs"), graph.inputs, "input")
    lacking = [name for i, name in enumerate(graph.inputs) if i not in inputs]
    if lacking:
        raise ValueError("no recorded value for input %s" % ", ".join(lacking))
    wanted = pair(read_values(path, "outputs"), graph.outputs, "output")
    if not wanted:
        raise ValueError("no recorded output")
    results = graph.run([inputs[i] for i in range(len(graph.inputs))], wanted)
    faults = []
    for i in sorted(wanted):
        reason = differ(results[i], wanted[i], rtol, atol)
        if reason:
            faults.append("%s: %s" % (graph.outputs[i], reason))
    return faults


def work(args):
    """The worker: reads paths from standard input, writes one JSON line a case."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever MegEngine prints goes to standard error
    for line in sys.stdin:
        path = json.loads(line)
        try:
            faults = judge_one(path, args.rtol, args.atol)
        except Exception as error:  # pylint: disable=broad-except
            text = next((row for row in str(error).split("\n") if row.strip()), "")
            faults = ["%s: %s" % (type(error).__name__, text[:300])]
        answers.write(json.dumps(faults) + "\n")
        answers.flush()


def judge_all(cases, args):
    """Yields (name, list of faults) for each case, renewing the worker after a death or a hang."""
    log = tempfile.TemporaryFile()
    command = [sys.executable, os.path.abspath(__file__), "--worker"]
    command += ["--rtol", str(args.rtol), "--atol", str(args.atol)]
    worker, served = None, 0

    def stop():
        worker.stdin.close()
        worker.kill()
        worker.wait()
        worker.stdout.close()

    for name, path in cases:
        if worker is None or worker.poll() is not None or served >= args.chunk:
            if worker:
                stop()
            log.seek(0)
            log.truncate()
            pipe = subprocess.PIPE
            worker = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, bufsize=0)
            served = 0
        served += 1
        worker.stdin.write((json.dumps(path) + "\n").encode("utf-8"))
        deadline, answer = time.time() + args.timeout, b""
        while not answer.endswith(b"\n"):
            ready = select.select([worker.stdout], [], [], max(0, deadline - time.time()))[0]
            piece = os.read(worker.stdout.fileno(), 1 << 16) if ready else b""
            if not piece:
                break
            answer += piece
        if answer.endswith(b"\n"):
            yield name, json.loads(answer.decode("utf-8"))
            continue
        if ready:
            log.seek(0)
            rows = [row for row in log.read().decode("utf-8", "replace").split("\n") if row.strip()]
            last = rows[-1][:200] if rows else ""
            fault = "MegEngine died (exit %s) %s" % (worker.wait(), last)
        else:
            fault = "no result within %g s" % args.timeout
        stop()
        worker = None
        yield name, [fault]
    if worker:
        stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="*", help="folders of cases, or single .mge files")
    parser.add_argument("--rtol", type=float, default=1e-4, help="unless a case states its own")
    parser.add_argument("--atol", type=float, default=1e-5, help="unless a case states its own")
    parser.add_argument("--filter", default="", help="regular expression on the case's name")
    parser.add_argument("--chunk", type=int, default=50, help="cases a worker process (50)")
    parser.add_argument("--timeout", type=float, default=60, help="seconds a case (60)")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(args)
        return 0
    cases = [case for case in find_cases(args.paths) if re.search(args.filter, case[0])]
    if not cases:
        sys.stderr.write("no case found in %s\n" % (", ".join(args.paths) or "no path"))
        return 2
    failed = 0
    for name, faults in judge_all(cases, args):
        failed += bool(faults)
        for fault in faults:
            print("%s: %s" % (name, fault))
            sys.stdout.flush()
    print("%d passed, %d failed" % (len(cases) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
