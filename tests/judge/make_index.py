"""Index expressions and what NumPy makes of them, as JSON on the standard output.

    ~/mge38/bin/python tests/judge/make_index.py > tests/data/numpy/index.json

Every expression is applied to numpy.arange of a shape: the part that it names, the tensor with
100, 101, ... put there, and with these added (numpy.add.at).
"""

import json

import numpy as np

random = np.random.RandomState(7)
shapes = [(7,), (4, 5), (3, 1, 4), (2, 3, 4, 3)]


def item(extent, broadcast):
    """One index of an axis, and how it is written down."""
    kind = random.randint(6)
    if kind == 0:
        i = int(random.randint(-extent, extent))
        return i, i
    if kind <= 3:
        bounds = [None if random.rand() < 0.3 else int(random.randint(-extent - 2, extent + 3)) for _ in "ab"]
        step = [None, 1, 2, -1, -2, 3][random.randint(6)]
        return slice(*bounds, step), {"slice": [*bounds, step]}
    shape = [broadcast, (broadcast[-1],), (), (1,)][random.randint(4)]
    ints = random.randint(-extent, extent, shape)
    return ints, {"ints": ints.tolist()}


def expression(shape):
    """Items for all axes of a shape or fewer, with new axes and an ellipsis here and there."""
    broadcast = [(3,), (2, 3), (1, 2), (2, 1)][random.randint(4)]
    index, text = [], []
    axis, left = 0, random.randint(1, len(shape) + 1)
    dots = False
    while axis < left:
        roll = random.rand()
        if roll < 0.1:
            index.append(None), text.append(None)
            continue
        if roll < 0.2 and not dots:
            index.append(Ellipsis), text.append("...")
            dots = True
            continue
        if roll < 0.3:
            deep = random.randint(1, left - axis + 1)
            mask = random.rand(*shape[axis : axis + deep]) < 0.5
            index.append(mask), text.append({"mask": mask.tolist()})
            axis += deep
            continue
        i, t = item(shape[axis], broadcast)
        index.append(i), text.append(t)
        axis += 1
    return tuple(index), text


def record(array):
    return {"shape": list(array.shape), "data": array.ravel().tolist()}


cases = []
while len(cases) < 240:
    shape = shapes[random.randint(len(shapes))]
    x = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    index, text = expression(shape)
    try:
        part = x[index]
    except IndexError:
        continue
    value = (100 + np.arange(part.size, dtype=np.int32)).reshape(part.shape)
    put, added = x.copy(), x.copy()
    put[index] = value
    np.add.at(added, index, value)
    cases.append({
        "shape": list(shape),
        "index": text,
        "part": record(part),
        "set": put.ravel().tolist(),
        "added": added.ravel().tolist(),
    })
print("[")
print(",\n".join(json.dumps(case) for case in cases))
print("]")
