"""f = (w e^(b x) + ln(w x)) b: w, b and x are each read more than once.

``python -m npnet.inspect examples/expression.py`` makes a page to step through it.
"""

import numpy as np

from npnet import Graph

g = Graph(dtype=np.float64)
w, b, x = (g.input(name, requires_grad=True) for name in ("w", "b", "x"))
f = (w * np.exp(b * x) + np.log(w * x)) * b
g.output(f)

print(f"f = {g(w=2.0, b=0.5, x=2 * np.log(3)):.6g}")
g.backward()
for name, node in (("w", w), ("b", b), ("x", x)):
    print(f"df/d{name} = {g.grad(node):.6g}")
