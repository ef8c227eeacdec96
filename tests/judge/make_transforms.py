"""What NumPy makes of expressions over data, for tests/mge/transform_test.ts; run by hand in the
judge's environment (NumPy 1.24, as MegEngine evaluates them): python make_transforms.py > FILE."""
import json
import re

import numpy as np

names = {"min": np.minimum, "max": np.maximum, "float": np.float64, "transpose": lambda x, *axes: np.transpose(x, axes)}
names.update({name: getattr(np, name) for name in ["abs", "sqrt", "exp", "log", "floor", "round", "clip"]})
arrays = {
    "u8": np.array([38, 128, 255, 0, 1, 200], np.uint8),
    "i8": np.array([-128, 127, 0, -1, 5, 100], np.int8),
    "u16": np.array([0, 65535, 300, 7, 1, 40000], np.uint16),
    "i16": np.array([-32768, 32767, 300, -7, 1, 0], np.int16),
    "i32": np.array([-70000, 70000, 2, 3, -5, 0], np.int32),
    "f16": np.array([0.1, -2, 1000, 0.5, 7, 3], np.float16),
    "f32": np.array([0.1, -2.5, 1e6, 0.5, 7.5, 3], np.float32),
}
texts = """(data - 128) / 255.0
data - 128
data - 128.0
-data
data * -1
data + 300
data * 2 - 1
(data - [104, 117, 124]) / 58
data - [0.5, 0.25, 1.5]
[1, 2, 3] * 2 + data
255 - data
1 / (data + 1000)
data / 3
data * 1e-2
float(data) * data
clip(data, 10, 100)
clip(data / 2, -1.5, 60)
min(data, 100)
max(data, [1, 2, 300])
abs(data - 50.0)
floor(data / 4)
round(data / 4)
round(data * 0.5)
sqrt(abs(float(data)))
log(abs(float(data)) + 1)
exp(data / 1000000.0)
transpose(data, 0, 2, 3, 1) * 2.5
data - transpose(transpose(data, 0, 2, 3, 1), 0, 3, 1, 2)
- (data + 1) * 2 / 4 - -3""".split("\n")
rows = []
np.seterr(all="ignore")
for dtype, values in arrays.items():
    data = values.reshape(1, 3, 1, 2)
    for text in texts:
        code = re.sub(r"\[[^]]*\]", lambda m: f"np.array({m.group(0)}).reshape(3,1,1)", text)
        out = eval(code, {"data": data, "np": np, **names})
        out = out.astype(np.float32).astype(np.float64) if out.dtype.kind == "f" else out
        shown = [str(x) if not np.isfinite(x) else x for x in out.reshape(-1).tolist()]
        rows.append(json.dumps([dtype, text, list(out.shape), shown]))
inputs = {dtype: values.astype(np.float64).tolist() for dtype, values in arrays.items()}
print('{"inputs": ' + json.dumps(inputs) + ',\n"rows": [\n' + ",\n".join(rows) + "\n]}")
