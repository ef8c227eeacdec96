"""Serialized tensors for tests/io/onnx_test.ts, of every element type, their values in raw_data and
in the field of their kind; run by hand: python make_onnx.py FOLDER (pip install onnx ml_dtypes)."""
import base64
import json
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

values = {
    "FLOAT": [0.5, -1.25, 3e38, 0], "DOUBLE": [0.1, -2.5, 1e300, 0], "FLOAT16": [0.5, -65504, 6e-8, 0],
    "BFLOAT16": [0.5, -1.25, 3e38, 0], "INT8": [-128, 127, 0, 5], "UINT8": [0, 255, 7, 5],
    "INT16": [-32768, 32767, 0, 5], "UINT16": [0, 65535, 7, 5], "INT32": [-(2**31), 2**31 - 1, 0, 5],
    "INT64": [-(2**31), 2**31 - 1, 0, -5], "UINT32": [0, 2**31 - 1, 7, 5], "UINT64": [0, 2**31 - 1, 7, 5],
    "BOOL": [True, False, True, True],
}
out = []
for kind, numbers in values.items():
    data_type = getattr(TensorProto, kind)
    typed = helper.make_tensor(kind.lower(), data_type, [2, 2], numbers)
    array = numpy_helper.to_array(typed)
    raw = helper.make_tensor(kind.lower(), data_type, [2, 2], array.tobytes(), raw=True)
    wide = array.astype(np.float32 if array.dtype.kind == "f" or kind == "BFLOAT16" else np.int64)
    shown = ["Infinity" if x == np.inf else float(x) for x in wide.reshape(-1)]
    for form, tensor in (("typed", typed), ("raw", raw)):
        text = base64.b64encode(tensor.SerializeToString()).decode()
        out.append({"stored": kind, "form": form, "pb": text, "values": shown})
with open(f"{sys.argv[1]}/tensors.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(row) for row in out) + "\n]\n")
