"""A network of two layers whose weights are read twice: by their layer and by their penalty.

``python -m npnet.inspect examples/two_paths.py`` makes a page to step through it.
"""

import numpy as np

from npnet import Graph, Linear, Regularization, ReLU, SoftmaxCrossEntropy, Sum

first, second = Linear(2, 2, dtype=np.float64), Linear(2, 3, dtype=np.float64)
W, b = first.weight, first.bias
M, c = second.weight, second.bias
W.data, b.data = [[1.0, -1.0], [0.5, 1.0]], [0.5, -1.0]
M.data, c.data = [[1.0, 2.0], [-1.0, 2 / 3], [3.0, -2 / 3]], [-3.0, -1.0, 1.0]

g = Graph(dtype=np.float64)
x, y = g.input("x", requires_grad=True), g.input("y")
a = first(x)
h = ReLU()(a)
z = second(h)
L, o = SoftmaxCrossEntropy()(z, y)
R_W, R_M = Regularization(0.1)(W), Regularization(0.1)(M)
R = Sum()(R_W, R_M)
J = Sum()(L, R)
g.output(J)

print("J =", g(x=[[1.0, 2.0]], y=np.array([0])))
g.backward()
print("dJ/dW =", g.grad(W).tolist())
