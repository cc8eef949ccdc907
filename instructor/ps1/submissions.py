"""Wrong and right answers to problem set 1, which test its tests.

A wrong one is a right one, below, with one mistake in it.
"""

from instructor.grader.submissions import Solution

Q1 = """\
def descend_until(grad, x0, eta, tol, most):
    x = np.array(x0, dtype=float)
    points = [x.copy()]
    for _ in range(most):
        g = grad(x)
        if np.linalg.norm(g) <= tol:
            break
        x = x - eta * g
        points.append(x.copy())
    return np.array(points)
"""
Q2 = """\
L_measured = (1 + np.sqrt(ratio)) / eta_tried
eta_next = (1 + np.sqrt(ratio_wanted)) / L_measured
"""
Q3 = """\
def plan(A, share):
    curvatures = np.linalg.eigvalsh(A.T @ A / len(A))
    curvatures = curvatures[curvatures > 1e-10 * curvatures.max()]
    mu, L = curvatures.min(), curvatures.max()
    rho = 1 - 2 * mu / (mu + L)
    if rho == 0:
        return np.array([2 / (mu + L), 1])
    steps = int(np.ceil(np.log(share) / np.log(rho)))
    return np.array([2 / (mu + L), steps])
"""
Q4 = """\
def limit(A, y, theta0):
    inverse = np.linalg.pinv(A, rcond=1e-10)
    shortest = inverse @ y
    kept = theta0 - inverse @ (A @ theta0)
    return shortest + kept
"""
Q5 = """\
def line_search(A, y, theta0, steps):
    n = len(A)
    theta = np.array(theta0, dtype=float)
    path = [theta]
    for _ in range(steps):
        g = A.T @ (A @ theta - y) / n
        if g.any():
            eta = (g @ g) / (np.sum((A @ g) ** 2) / n)
            theta = theta - eta * g
        path.append(theta)
    return np.array(path)
"""
Q6 = """\
def kappas(X):
    def kappa(Z):
        A = np.hstack([Z, np.ones((len(Z), 1))])
        return np.linalg.cond(A.T @ A)

    mean, std = X.mean(axis=0), X.std(axis=0)
    return np.array([kappa(X), kappa(X / std), kappa((X - mean) / std)])
"""


def slip(right, *changes):
    """Return a right answer with each of `changes`, a pair of old and new, made once."""
    for old, new in changes:
        if right.count(old) != 1:
            raise ValueError(
                f"{old!r} stands {right.count(old)} times in {right!r}, must be 1"
            )
        right = right.replace(old, new)
    return right


WRONG = [
    Solution(
        "uphill",
        {"q1": slip(Q1, ("x - eta * g", "x + eta * g"))},
        lost={"q1": 2},
    ),
    Solution(
        "one step less than allowed",
        {"q1": slip(Q1, ("range(most)", "range(most - 1)"))},
        lost={"q1": 1},
    ),
    Solution(
        "moves the caller's start",
        {
            "q1": slip(
                Q1,
                ("np.array(x0", "np.asarray(x0"),
                ("x = x - eta * g", "x -= eta * g"),
            )
        },
        lost={"q1": 1},
    ),
    Solution(
        "every row is the same array",
        {
            "q1": slip(
                Q1,
                ("points = [x.copy()]", "points = [x]"),
                ("x = x - eta * g", "x -= eta * g"),
                ("append(x.copy())", "append(x)"),
            )
        },
        lost={"q1": 2},
    ),
    Solution(
        "the start is not among the rows",
        {"q1": slip(Q1, ("points = [x.copy()]", "points = []"))},
        lost={"q1": 3},
    ),
    Solution(
        "returns the start",
        {"q1": slip(Q1, ("np.array(points)", "np.array([x0], dtype=float)"))},
        lost={"q1": 2},
    ),
    Solution(
        "takes a step before it looks at the gradient",
        {
            "q1": slip(
                Q1,
                (
                    "        if np.linalg.norm(g) <= tol:\n            break\n",
                    "",
                ),
                (
                    "append(x.copy())\n",
                    "append(x.copy())\n        if np.linalg.norm(g) <= tol:\n            break\n",
                ),
            )
        },
        lost={"q1": 2},
    ),
    Solution(
        "stops at a short step in place of a small gradient",
        {
            "q1": slip(
                Q1,
                (
                    "np.linalg.norm(g) <= tol",
                    "np.linalg.norm(eta * g) <= tol",
                ),
            )
        },
        lost={"q1": 1},
    ),
    Solution(
        "the growth of the loss taken for that of the distance",
        {"q2": slip(Q2, ("1 + np.sqrt(ratio)", "1 + ratio"))},
        lost={"q2": 2},
    ),
    Solution(
        "the wrong sign of the root: a negative curvature",
        {"q2": slip(Q2, ("1 + np.sqrt(ratio)", "1 - np.sqrt(ratio)"))},
        lost={"q2": 2},
    ),
    Solution(
        "the smaller of the two step sizes",
        {
            "q2": slip(
                Q2, ("1 + np.sqrt(ratio_wanted)", "1 - np.sqrt(ratio_wanted)")
            )
        },
        lost={"q2": 1},
    ),
    Solution(
        "the largest step size in place of the one that was asked for",
        {"q2": slip(Q2, ("(1 + np.sqrt(ratio_wanted))", "2"))},
        lost={"q2": 1},
    ),
    Solution(
        "the Hessian without 1/n",
        {"q3": slip(Q3, ("A.T @ A / len(A)", "A.T @ A"))},
        lost={"q3": 3},
    ),
    Solution(
        "takes rounding for the smallest eigenvalue",
        {
            "q3": slip(
                Q3,
                (
                    "curvatures[curvatures > 1e-10 * curvatures.max()]",
                    "abs(curvatures)",
                ),
            )
        },
        lost={"q3": 1},
    ),
    Solution(
        "divides by the logarithm of zero",
        {
            "q3": slip(
                Q3,
                (
                    "    if rho == 0:\n        return np.array([2 / (mu + L), 1])\n",
                    "",
                ),
            )
        },
        lost={"q3": 1},
    ),
    Solution(
        "rounds the number of steps down",
        {"q3": slip(Q3, ("np.ceil", "np.floor"))},
        lost={"q3": 2},
    ),
    Solution(
        "the step size 1/L",
        {
            "q3": slip(
                Q3,
                ("rho = 1 - 2 * mu / (mu + L)", "rho = 1 - mu / L"),
                ("[2 / (mu + L), steps]", "[1 / L, steps]"),
            )
        },
        lost={"q3": 2},
    ),
    Solution(
        "the shortest weights from every start",
        {"q4": slip(Q4, ("shortest + kept", "shortest"))},
        lost={"q4": 2},
    ),
    Solution(
        "the whole start added to the shortest weights",
        {"q4": slip(Q4, ("shortest + kept", "shortest + theta0"))},
        lost={"q4": 3},
    ),
    Solution(
        "keeps the part of the start that descent forgets",
        {"q4": slip(Q4, ("theta0 - inverse @", "inverse @"))},
        lost={"q4": 3},
    ),
    Solution(
        "solves the normal equations, which have no unique solution",
        {
            "q4": "def limit(A, y, theta0):\n    return np.linalg.solve(A.T @ A, A.T @ y)\n"
        },
        lost={"q4": 2},
    ),
    Solution(
        "returns the start as the limit",
        {"q4": "def limit(A, y, theta0):\n    return theta0\n"},
        lost={"q4": 3},
    ),
    Solution(
        "the curvature along the ray without 1/n",
        {
            "q5": slip(
                Q5, ("(np.sum((A @ g) ** 2) / n)", "np.sum((A @ g) ** 2)")
            )
        },
        lost={"q5": 2},
    ),
    Solution(
        "zero divided by zero at the minimum",
        {"q5": slip(Q5, ("if g.any():", "if True:"))},
        lost={"q5": 1},
    ),
    Solution(
        "stops at the minimum, with rows missing",
        {
            "q5": slip(
                Q5,
                (
                    "if g.any():",
                    "if not g.any():\n            break\n        else:",
                ),
            )
        },
        lost={"q5": 1},
    ),
    Solution(
        "the constant step size 1/L",
        {
            "q5": slip(
                Q5,
                (
                    "(g @ g) / (np.sum((A @ g) ** 2) / n)",
                    "1 / np.linalg.norm(A.T @ A / n, 2)",
                ),
            )
        },
        lost={"q5": 1},
    ),
    Solution(
        "the exact step of the start in every step",
        {
            "q5": slip(
                Q5,
                ("    path = [theta]\n", "    path, eta = [theta], None\n"),
                ("eta = (g @ g)", "eta = eta or (g @ g)"),
            )
        },
        lost={"q5": 1},
    ),
    Solution(
        "one row too few",
        {"q5": slip(Q5, ("range(steps)", "range(steps - 1)"))},
        lost={"q5": 3},
    ),
    Solution(
        "the condition number of A in place of that of H",
        {"q6": slip(Q6, ("cond(A.T @ A)", "cond(A)"))},
        lost={"q6": 3},
    ),
    Solution(
        "forgets the column of ones",
        {"q6": slip(Q6, ("np.hstack([Z, np.ones((len(Z), 1))])", "Z"))},
        lost={"q6": 2},
    ),
    Solution(
        "the standard deviation of a sample",
        {"q6": slip(Q6, ("X.std(axis=0)", "X.std(axis=0, ddof=1)"))},
        lost={"q6": 3},
    ),
    Solution(
        "divides by the root of the mean square",
        {"q6": slip(Q6, ("X.std(axis=0)", "np.sqrt(np.mean(X**2, axis=0))"))},
        lost={"q6": 2},
    ),
    Solution(
        "centres the scaled features too",
        {"q6": slip(Q6, ("kappa(X / std)", "kappa((X - mean) / std)"))},
        lost={"q6": 2},
    ),
    Solution(
        "centres and does not scale",
        {"q6": slip(Q6, ("kappa((X - mean) / std)", "kappa(X - mean)"))},
        lost={"q6": 3},
    ),
]

RIGHT = [
    Solution(
        "the answers in which the mistakes above are made",
        {"q1": Q1, "q2": Q2, "q3": Q3, "q4": Q4, "q5": Q5, "q6": Q6},
    ),
    Solution(
        "roots of polynomials, singular values, counting, a long run, two gradients a step",
        {
            "q1": """\
def descend_until(grad, x0, eta, tol, most):
    def rest(x, left):
        g = grad(x)
        if left == 0 or g @ g <= tol**2:
            return [x]
        return [x, *rest(x - eta * g, left - 1)]

    return np.vstack(rest(np.asarray(x0, dtype=float), most))
""",
            "q2": """\
def larger_root(eta_squared, eta, one):
    return float(np.roots([eta_squared, eta, one]).max())


L_measured = larger_root(eta_tried**2, -2 * eta_tried, 1 - ratio)
eta_next = larger_root(L_measured**2, -2 * L_measured, 1 - ratio_wanted)
""",
            "q3": """\
def plan(A, share):
    s = np.linalg.svd(A, compute_uv=False)
    s = s[s > 1e-5 * s[0]]
    mu, L = s[-1] ** 2 / len(A), s[0] ** 2 / len(A)
    eta = 2 / (mu + L)
    steps, left = 0, 1.0
    while left > share:
        steps, left = steps + 1, left * max(abs(1 - eta * mu), abs(1 - eta * L))
    return [eta, steps]
""",
            "q4": """\
def limit(A, y, theta0):
    theta = np.array(theta0, dtype=float)
    eta = 1 / np.linalg.norm(A, 2) ** 2
    for _ in range(5000):
        theta -= eta * (A.T @ (A @ theta - y))
    return theta
""",
            "q5": """\
def line_search(A, y, theta0, steps):
    def gradient(theta):
        return A.T @ (A @ theta - y) / len(A)

    path = np.tile(np.asarray(theta0, dtype=float), (steps + 1, 1))
    for t in range(steps):
        g = gradient(path[t])
        Hg = g - gradient(path[t] - g)
        path[t + 1] = path[t] - (g * (g @ g) / (g @ Hg) if g @ g > 0 else 0)
    return path
""",
            "q6": """\
def kappas(X):
    out, ones = [], np.ones(len(X))
    for centre, scale in ((0, 0), (0, 1), (1, 1)):
        Z = X - centre * np.average(X, axis=0)
        Z = Z / np.sqrt(np.var(X, axis=0)) ** scale
        s = np.linalg.svd(np.c_[ones, Z], compute_uv=False)
        out.append((s[0] / s[-1]) ** 2)
    return out
""",
        },
    ),
    Solution(
        "loops over eigenvectors, a matrix that is formed",
        {
            "q1": """\
def descend_until(grad, x0, eta, tol, most):
    path = [list(map(float, x0))]
    while len(path) < most + 1:
        slope = grad(np.array(path[-1]))
        if sum(s**2 for s in slope) ** 0.5 <= tol:
            return path
        path.append([x - eta * s for x, s in zip(path[-1], slope)])
    return path
""",
            "q2": """\
factor = -(ratio**0.5)  # 1 - eta L, of the distance
L_measured = (1 - factor) / eta_tried
eta_next = (1 + ratio_wanted**0.5) / (1 - factor) * eta_tried
""",
            "q3": """\
def plan(A, share):
    H = sum(np.outer(row, row) for row in A) / len(A)
    values = np.sort(np.linalg.eigvals(H).real)
    values = [v for v in values if v > 1e-10 * values[-1]]
    kappa = values[-1] / values[0]
    steps = 1
    while ((kappa - 1) / (kappa + 1)) ** steps > share:
        steps += 1
    return np.array([2 / (values[0] + values[-1]), steps])
""",
            "q4": """\
def limit(A, y, theta0):
    values, V = np.linalg.eigh(A.T @ A)
    end = np.zeros(len(values))
    for value, v in zip(values, V.T):
        if value > 1e-10 * values[-1]:
            end += (v @ A.T @ y) / value * v
        else:
            end += (v @ theta0) * v
    return end
""",
            "q5": """\
def line_search(A, y, theta0, steps):
    H, b = A.T @ A, A.T @ y
    path = [np.asarray(theta0, dtype=float)]
    while len(path) <= steps:
        r = b - H @ path[-1]
        path.append(path[-1] + (r @ r / (r @ H @ r) * r if np.any(r != 0) else 0 * r))
    return np.stack(path)
""",
            "q6": """\
def kappas(X):
    n, d = X.shape
    mean = X.sum(axis=0) / n
    std = (((X - mean) ** 2).sum(axis=0) / n) ** 0.5

    def kappa(Z):
        H = np.eye(d + 1)
        H[:d, :d] = Z.T @ Z / n
        H[d, :d] = H[:d, d] = Z.sum(axis=0) / n
        values = np.linalg.eigvalsh(H)
        return values.max() / values.min()

    return [kappa(X), kappa(X / std), kappa((X - mean) / std)]
""",
        },
    ),
]
