"""Solutions of problem set 2: wrong ones with the points that they lose, and other right ones."""

from instructor.grader.submissions import Solution

ORDER = """
def order_and_constant(errors, floor):
    e = np.abs(errors)
    below = np.flatnonzero(e < floor)
    e = e[: below[0]] if below.size else e
    gains = np.diff(np.log(e[-3:]))
    p = gains[1] / gains[0]
    return np.array([p, e[-1] / e[-2] ** p])
"""
PASS = """
r = np.sqrt(alpha + gamma**2 / beta)
x2 = -gamma / beta  # for x1 = 1
minima = np.array([[-r, -r * x2], [r, r * x2]])
lowest = (beta - alpha) / 2 - np.hypot((alpha + beta) / 2, gamma)
steps_out = np.ceil(-np.log(delta) / np.log(1 - eta_pass * lowest))
"""
NEWTON = """
def downhill_newton(grad, hess, x0, eta, least, steps):
    path = [np.array(x0, dtype=float)]
    for _ in range(steps):
        x = path[-1]
        values, V = np.linalg.eigh(hess(x))
        size = np.maximum(np.abs(values), least)
        s = -V @ (V.T @ grad(x) / size)
        path.append(x + eta * s)
    return np.array(path)
"""
RATE = """
def rate(t, eta, warm, decay, power):
    t = np.asarray(t)
    climb = eta * (t + 1) / max(warm, 1)
    fall = eta * (1 + decay * np.maximum(t - warm, 0)) ** -power
    return np.where(t < warm, climb, fall)
"""
MOMENTS = """
def moments(schedule, x0, lam, sigma, mu, steps):
    path = [(x0, 0.0)]
    for t in range(steps):
        mean, variance = path[-1]
        eta = schedule(t)
        r = 1 - eta * lam
        path.append((r * mean - eta * mu, r**2 * variance + eta**2 * sigma**2))
    return np.array(path)
"""
SGD = """
def sgd_tail(A, b, x0, schedule, steps, burn, rng):
    path = [np.array(x0, dtype=float)]
    for t in range(steps):
        x, i = path[-1], rng.integers(len(b))
        path.append(x - schedule(t) * A[i] * (A[i] @ x - b[i]))
    return np.array([path[-1], np.mean(path[burn:], axis=0)])
"""


def changed(source, old, new):
    """Return `source` with the one place where it says `old` saying `new`: one mistake."""
    if source.count(old) != 1:
        raise ValueError(
            f"{old!r} must stand once in the solution, found {source.count(old)}"
        )
    return source.replace(old, new)


WRONG = [
    Solution(
        "the order upside down",
        {"q1": changed(ORDER, "gains[1] / gains[0]", "gains[0] / gains[1]")},
        lost={"q1": 2},
    ),
    Solution(
        "logarithms of signed errors",
        {"q1": changed(ORDER, "np.abs(errors)", "np.asarray(errors)")},
        lost={"q1": 1},
    ),
    Solution(
        "the first three errors in place of the last",
        {"q1": changed(ORDER, "e[-3:]", "e[:3]")},
        lost={"q1": 1},
    ),
    Solution(
        "rounding left in where it is above the floor again",
        {
            "q1": changed(
                ORDER, "e[: below[0]] if below.size else e", "e[e >= floor]"
            )
        },
        lost={"q1": 1},
    ),
    Solution(
        "the sign of the second coordinate of the minima",
        {"q2": changed(PASS, "-gamma / beta", "gamma / beta")},
        lost={"q2": 1},
    ),
    Solution(
        "the right minimum first",
        {"q2": PASS + "minima = minima[::-1]\n"},
        lost={"q2": 1},
    ),
    Solution(
        "the diagonal of the Hessian taken for its eigenvalues",
        {
            "q2": changed(
                PASS,
                "(beta - alpha) / 2 - np.hypot((alpha + beta) / 2, gamma)",
                "-alpha",
            )
        },
        lost={"q2": 2},
    ),
    Solution(
        "a wrong number: the steps rounded down",
        {"q2": changed(PASS, "np.ceil", "np.floor")},
        lost={"q2": 1},
    ),
    Solution(
        "Newton's own step, which climbs",
        {
            "q3": changed(
                NEWTON, "np.maximum(np.abs(values), least)", "values"
            )
        },
        lost={"q3": 2},
    ),
    Solution(
        "absolute eigenvalues without a floor",
        {
            "q3": changed(
                NEWTON, "np.maximum(np.abs(values), least)", "np.abs(values)"
            )
        },
        lost={"q3": 1},
    ),
    Solution(
        "negative eigenvalues raised to the floor",
        {"q3": changed(NEWTON, "np.abs(values)", "values")},
        lost={"q3": 1},
    ),
    Solution(
        "the Hessian of the start in every step",
        {"q3": changed(NEWTON, "hess(x)", "hess(path[0])")},
        lost={"q3": 1},
    ),
    Solution(
        "no damping",
        {"q3": changed(NEWTON, "x + eta * s", "x + s")},
        lost={"q3": 3},
    ),
    Solution(
        "the wrong sign, uphill",
        {"q3": changed(NEWTON, "s = -V", "s = V")},
        lost={"q3": 4},
    ),
    Solution(
        "returns the start in every row",
        {"q3": changed(NEWTON, "x + eta * s", "x")},
        lost={"q3": 4},
    ),
    Solution(
        "a warm-up that begins at zero",
        {"q4": changed(RATE, "(t + 1)", "t")},
        lost={"q4": 1},
    ),
    Solution(
        "the decay counted from step 0",
        {"q4": changed(RATE, "np.maximum(t - warm, 0)", "t")},
        lost={"q4": 1},
    ),
    Solution(
        "an exponential decay",
        {
            "q4": changed(
                RATE,
                "(1 + decay * np.maximum(t - warm, 0)) ** -power",
                "np.exp(-power * decay * np.maximum(t - warm, 0))",
            )
        },
        lost={"q4": 2},
    ),
    Solution(
        "one step number at a time",
        {
            "q4": """
def rate(t, eta, warm, decay, power):
    if t < warm:
        return eta * (t + 1) / warm
    return eta * (1 + decay * (t - warm)) ** -power
"""
        },
        lost={"q4": 2},
    ),
    Solution(
        "a schedule that begins at t = 1",
        {"q5": changed(MOMENTS, "schedule(t)", "schedule(t + 1)")},
        lost={"q5": 1},
    ),
    Solution(
        "the settled variance from the first step on",
        {
            "q5": changed(
                MOMENTS,
                "(x0, 0.0)",
                "(x0, schedule(0) * sigma**2 / lam / (2 - schedule(0) * lam))",
            )
        },
        lost={"q5": 1},
    ),
    Solution(
        "the mean of the noise counted in its variance",
        {
            "q5": changed(
                MOMENTS, "eta**2 * sigma**2", "eta**2 * (sigma**2 + mu**2)"
            )
        },
        lost={"q5": 2},
    ),
    Solution(
        "the bias on the wrong side",
        {"q5": changed(MOMENTS, "- eta * mu", "+ eta * mu")},
        lost={"q5": 2},
    ),
    Solution(
        "one step too few",
        {"q5": changed(MOMENTS, "range(steps)", "range(steps - 1)")},
        lost={"q5": 2},
    ),
    Solution(
        "the standard deviation taken for the variance",
        {"q5": changed(MOMENTS, "sigma**2", "sigma")},
        lost={"q5": 3},
    ),
    Solution(
        "changes its start",
        {
            "q6": """
def sgd_tail(A, b, x0, schedule, steps, burn, rng):
    x = np.asarray(x0)
    path = [x.copy()]
    for t in range(steps):
        i = rng.integers(len(b))
        x -= schedule(t) * A[i] * (A[i] @ x - b[i])
        path.append(x.copy())
    return np.array([path[-1], np.mean(path[burn:], axis=0)])
"""
        },
        lost={"q6": 1},
    ),
    Solution(
        "a step number that begins at 1",
        {"q6": changed(SGD, "schedule(t)", "schedule(t + 1)")},
        lost={"q6": 1},
    ),
    Solution(
        "the average of the whole run",
        {"q6": changed(SGD, "path[burn:]", "path")},
        lost={"q6": 2},
    ),
    Solution(
        "the samples in turn in place of drawn",
        {"q6": changed(SGD, "rng.integers(len(b))", "t % len(b)")},
        lost={"q6": 2},
    ),
    Solution(
        "the full gradient in every step",
        {
            "q6": changed(
                SGD, "A[i] * (A[i] @ x - b[i])", "A.T @ (A @ x - b) / len(b)"
            )
        },
        lost={"q6": 2},
    ),
    Solution(
        "an average without the last point",
        {"q6": changed(SGD, "path[burn:]", "path[burn:-1]")},
        lost={"q6": 3},
    ),
]

RIGHT = [
    Solution(
        "a line through the logarithms, the polar decomposition, second moments, draws at once",
        {
            "q1": """
def order_and_constant(errors, floor):
    kept = []
    for e in errors:
        if abs(e) < floor:
            break
        kept.append(abs(e))
    logs = np.log10(kept[-3:])
    p, intercept = np.polyfit(logs[:2], logs[1:], 1)
    return p, 10**intercept
""",
            "q2": """
roots = np.roots([1, 0, -(alpha + gamma**2 / beta), 0])
minima = [[x1, -gamma * x1 / beta] for x1 in (min(roots), max(roots))]
lowest = min(np.roots([1, alpha - beta, -alpha * beta - gamma**2]))
steps_out, distance = 0, delta
while distance < 1:
    steps_out, distance = steps_out + 1, distance * (1 - eta_pass * lowest)
""",
            "q3": """
def downhill_newton(grad, hess, x0, eta, least, steps):
    x = np.asarray(x0, dtype=float)
    path = [x]
    for _ in range(steps):
        _, sizes, rows = np.linalg.svd(hess(x))
        B = rows.T @ np.diag(np.maximum(sizes, least)) @ rows
        x = x - eta * np.linalg.solve(B, grad(x))
        path.append(x)
    return np.stack(path)
""",
            "q4": """
def rate(t, eta, warm, decay, power):
    def one(t):
        if t < warm:
            return eta * (t + 1) / warm
        return eta / (1 + decay * (t - warm)) ** power

    return np.vectorize(one, otypes=[float])(t)
""",
            "q5": """
def moments(schedule, x0, lam, sigma, mu, steps):
    first, second = np.zeros(steps + 1), np.zeros(steps + 1)
    first[0], second[0] = x0, x0**2
    for t in range(steps):
        eta = schedule(t)
        r = 1 - eta * lam
        first[t + 1] = r * first[t] - eta * mu
        mixed = 2 * r * eta * mu * first[t]
        second[t + 1] = r**2 * second[t] - mixed + eta**2 * (sigma**2 + mu**2)
    return np.column_stack([first, second - first**2])
""",
            "q6": """
def sgd_tail(A, b, x0, schedule, steps, burn, rng):
    path = np.empty((steps + 1, A.shape[1]))
    path[0] = x0
    for t, i in enumerate(rng.integers(len(b), size=steps)):
        path[t + 1] = path[t] - schedule(t) * (path[t] @ A[i] - b[i]) * A[i]
    return np.stack([path[steps], path[burn:].mean(axis=0)])
""",
        },
    ),
    Solution(
        "an inverse, a loop over eigenvectors, weights of the noise, a running average",
        {
            "q1": """
def order_and_constant(errors, floor):
    e = np.array(errors) ** 2
    small = np.append(e < floor**2, True)
    u, v, w = e[np.argmax(small) - 3 : np.argmax(small)]
    p = np.log(w / v) / np.log(v / u)
    return np.array([p, np.sqrt(w) / np.sqrt(v) ** p])
""",
            "q2": """
x1 = np.sqrt(alpha + gamma**2 / beta)
minima = np.outer([-1, 1], [x1, -gamma / beta * x1])
lowest = min(np.linalg.eigvals([[-alpha, gamma], [gamma, beta]]))
steps_out = int(np.log(delta) / -np.log1p(-eta_pass * lowest)) + 1
""",
            "q3": """
def downhill_newton(grad, hess, x0, eta, least, steps):
    path = np.tile(np.array(x0, dtype=float), (steps + 1, 1))
    for t in range(steps):
        values, vectors = np.linalg.eigh(hess(path[t]))
        inverse = np.zeros((len(values), len(values)))
        for value, v in zip(values, vectors.T):
            inverse += np.outer(v, v) / max(abs(value), least)
        path[t + 1] = path[t] - eta * inverse @ grad(path[t])
    return path
""",
            "q4": """
def rate(t, eta, warm, decay, power):
    later = np.clip(np.array(t) - warm, 0, None)
    share = (np.array(t) + 1) / warm if warm else 1.0
    return eta * np.minimum(1.0, share) * (1 + decay * later) ** (-power)
""",
            "q5": """
def moments(schedule, x0, lam, sigma, mu, steps):
    rates = np.array([float(schedule(t)) for t in range(steps)])
    weights, left, out = np.zeros(steps), 1.0, [[x0, 0.0]]
    for t, eta in enumerate(rates):
        weights[:t] *= 1 - eta * lam  # what is left of the earlier noise
        weights[t] = eta
        left *= 1 - eta * lam
        mean = left * x0 - mu * weights.sum()
        out.append([mean, sigma**2 * (weights @ weights)])
    return np.array(out)
""",
            "q6": """
def sgd_tail(A, b, x0, schedule, steps, burn, rng):
    x, average, count = np.array(x0, dtype=float), np.zeros(A.shape[1]), 0
    for t in range(steps + 1):
        if t >= burn:
            count += 1
            average = average + (x - average) / count
        if t < steps:
            i = rng.integers(0, A.shape[0])
            x = x - schedule(t) * (A[i].dot(x) - b[i]) * A[i]
    return np.array([x, average])
""",
        },
    ),
]
