"""Wrong solutions of problem set 3 with the points that they lose, and other right ones."""

from instructor.grader.submissions import Solution

DROPS_THE_LAST_BATCH = """
def one_epoch(A, y, w0, eta, b, order):
    path = [np.array(w0, dtype=float)]
    for i in range(len(y) // b):
        rows = order[i * b : (i + 1) * b]
        error = A[rows] @ path[-1] - y[rows]
        path.append(path[-1] - eta * A[rows].T @ error / len(rows))
    return np.array(path)
"""

DIVIDES_BY_B = """
def one_epoch(A, y, w0, eta, b, order):
    path = [np.array(w0, dtype=float)]
    for first in range(0, len(y), b):
        rows = order[first : first + b]
        error = A[rows] @ path[-1] - y[rows]
        path.append(path[-1] - eta * A[rows].T @ error / b)
    return np.array(path)
"""

STEPS_UPHILL = """
def one_epoch(A, y, w0, eta, b, order):
    path = [np.array(w0, dtype=float)]
    for first in range(0, len(y), b):
        rows = order[first : first + b]
        error = y[rows] - A[rows] @ path[-1]
        path.append(path[-1] - eta * A[rows].T @ error / len(rows))
    return np.array(path)
"""

IGNORES_THE_ORDER = """
def one_epoch(A, y, w0, eta, b, order):
    path = [np.array(w0, dtype=float)]
    for first in range(0, len(y), b):
        Ab, yb = A[first : first + b], y[first : first + b]
        path.append(path[-1] - eta * Ab.T @ (Ab @ path[-1] - yb) / len(yb))
    return np.array(path)
"""

LEAVES_OUT_THE_START = """
def one_epoch(A, y, w0, eta, b, order):
    w, path = np.array(w0, dtype=float), []
    for first in range(0, len(y), b):
        rows = order[first : first + b]
        w = w - eta * A[rows].T @ (A[rows] @ w - y[rows]) / len(rows)
        path.append(w)
    return np.array(path)
"""

RETURNS_THE_START = """
def one_epoch(A, y, w0, eta, b, order):
    path = [np.array(w0, dtype=float)]
    for first in range(0, len(y), b):
        path.append(path[0])
    return np.array(path)
"""

CHANGES_W0 = """
def one_epoch(A, y, w0, eta, b, order):
    path = [w0.copy()]
    for first in range(0, len(y), b):
        rows = order[first : first + b]
        w0 -= eta * A[rows].T @ (A[rows] @ w0 - y[rows]) / len(rows)
        path.append(w0.copy())
    return np.array(path)
"""

MEAN_OF_MEANS = """
def pool(rows, means, variances):
    mean = means.mean(axis=0)
    apart = (means - mean) ** 2
    return np.array([mean, (variances + apart).mean(axis=0)])
"""

FORGETS_THAT_MEANS_DIFFER = """
def pool(rows, means, variances):
    used = rows > 0
    shares = rows[used] / rows.sum()
    return np.array([shares @ means[used], shares @ variances[used]])
"""

NOTHING_TIMES_NAN = """
def pool(rows, means, variances):
    shares = rows / rows.sum()
    mean = shares @ means
    return np.array([mean, shares @ (variances + (means - mean) ** 2)])
"""

INDEPENDENT_SLICES = """
def noise(G, b, k):
    n, trace = len(G), np.sum(G.var(axis=0))
    return np.sqrt(trace / b * (n - b) / (n - 1) / k)
"""

WITH_REPLACEMENT = """
def noise(G, b, k):
    return np.sqrt(np.sum(G.var(axis=0)) / (k * b))
"""

SAMPLE_VARIANCE = """
def noise(G, b, k):
    n, m = len(G), k * b
    trace = np.sum(G.var(axis=0, ddof=1))
    return np.sqrt(trace / m * (n - m) / (n - 1))
"""

NO_ROOT = """
def noise(G, b, k):
    n, m = len(G), k * b
    trace = np.sum(G.var(axis=0))
    return trace / m * (n - m) / (n - 1)
"""

ONE_SLICE_ONLY = """
def noise(G, b, k):
    n, trace = len(G), np.sum(G.var(axis=0))
    return np.sqrt(trace / b * (n - b) / (n - 1))
"""

OLD_VELOCITY = """
def iteration_matrix(H, eta, beta):
    one = np.eye(len(H))
    return np.block([[one, -eta * one], [H, beta * one]])
"""

VELOCITY_FIRST = """
def iteration_matrix(H, eta, beta):
    one = np.eye(len(H))
    return np.block([[beta * one, H], [-eta * beta * one, one - eta * H]])
"""

ADDS_THE_VELOCITY = """
def iteration_matrix(H, eta, beta):
    one = np.eye(len(H))
    return np.block([[one - eta * H, eta * beta * one], [H, beta * one]])
"""

BEST_PAIR_ALWAYS = """
def given_momentum(mu, L, beta):
    low, high = np.sqrt(mu), np.sqrt(L)
    return np.array([4 / (low + high) ** 2, (high - low) / (high + low)])
"""

RATE_OF_CHAPTER_4 = """
def given_momentum(mu, L, beta):
    eta = 2 / (mu + L)
    c = abs(1 + beta - eta * np.array([mu, L])).max()
    return np.array([eta, abs(c + np.sqrt(c**2 - 4 * beta + 0j)) / 2])
"""

SWINGS_ALWAYS = """
def given_momentum(mu, L, beta):
    return np.array([2 * (1 + beta) / (mu + L), np.sqrt(beta) or (L - mu) / (L + mu)])
"""

REAL_ROOTS_ONLY = """
def given_momentum(mu, L, beta):
    eta = 2 * (1 + beta) / (mu + L)
    c = 1 + beta - eta * mu
    return np.array([eta, (c + np.sqrt(max(c**2 - 4 * beta, 0))) / 2])
"""

# The numbers of question 6, one by one, to be put together with one of them wrong.
SPIKE = "spike = (1 - beta1) / (1 - beta1**T) * np.sqrt((1 - beta2**T) / (1 - beta2))\n"
TOTAL = "total = (1 - beta1) / np.sqrt(1 - beta2) / (1 - beta1 / np.sqrt(beta2))\n"
DECAYED = "decayed = x0 * (1 - eta * omega) ** (T - 1)\n"
PENALISED = """
x1 = x0 - eta
m2 = (beta1 * x0 + x1) / (1 + beta1)
s2 = (beta2 * x0**2 + x1**2) / (1 + beta2)
penalised = x1 - eta * m2 / np.sqrt(s2)
"""

WRONG = [
    Solution(
        "drops the last, smaller batch",
        {"q1": DROPS_THE_LAST_BATCH},
        lost={"q1": 1},
    ),
    Solution(
        "divides the last batch by b", {"q1": DIVIDES_BY_B}, lost={"q1": 1}
    ),
    Solution(
        "wrong sign of the gradient", {"q1": STEPS_UPHILL}, lost={"q1": 1}
    ),
    Solution(
        "takes the rows as they stand",
        {"q1": IGNORES_THE_ORDER},
        lost={"q1": 1},
    ),
    Solution(
        "one row short: without the start",
        {"q1": LEAVES_OUT_THE_START},
        lost={"q1": 1},
    ),
    Solution(
        "the start in every row", {"q1": RETURNS_THE_START}, lost={"q1": 1}
    ),
    Solution("changes w0", {"q1": CHANGES_W0}, lost={"q1": 1}),
    Solution(
        "mean of means without weights", {"q2": MEAN_OF_MEANS}, lost={"q2": 3}
    ),
    Solution(
        "mean of the variances, as if all means were equal",
        {"q2": FORGETS_THAT_MEANS_DIFFER},
        lost={"q2": 2},
    ),
    Solution("zero times nan", {"q2": NOTHING_TIMES_NAN}, lost={"q2": 1}),
    Solution(
        "slices taken as independent",
        {"q3": INDEPENDENT_SLICES},
        lost={"q3": 2},
    ),
    Solution(
        "rows taken as drawn with replacement",
        {"q3": WITH_REPLACEMENT},
        lost={"q3": 3},
    ),
    Solution(
        "variance divided by n - 1", {"q3": SAMPLE_VARIANCE}, lost={"q3": 2}
    ),
    Solution(
        "the variance in place of its root", {"q3": NO_ROOT}, lost={"q3": 2}
    ),
    Solution(
        "the noise of one slice whatever k",
        {"q3": ONE_SLICE_ONLY},
        lost={"q3": 2},
    ),
    Solution(
        "the new point from the old velocity",
        {"q4": OLD_VELOCITY},
        lost={"q4": 2},
    ),
    Solution(
        "velocity first, position last",
        {"q4": VELOCITY_FIRST},
        lost={"q4": 1},
    ),
    Solution(
        "wrong sign of the velocity",
        {"q4": ADDS_THE_VELOCITY},
        lost={"q4": 2},
    ),
    Solution(
        "Theorem 3 whatever beta is", {"q5": BEST_PAIR_ALWAYS}, lost={"q5": 3}
    ),
    Solution(
        "the rate without momentum", {"q5": RATE_OF_CHAPTER_4}, lost={"q5": 2}
    ),
    Solution(
        "takes all directions as swinging",
        {"q5": SWINGS_ALWAYS},
        lost={"q5": 1},
    ),
    Solution(
        "drops the imaginary part", {"q5": REAL_ROOTS_ONLY}, lost={"q5": 1}
    ),
    Solution(
        "Adam's first spike without bias correction",
        {
            "q6": "spike = (1 - beta1) / np.sqrt(1 - beta2)\n"
            + TOTAL
            + DECAYED
            + PENALISED
        },
        lost={"q6": 1},
    ),
    Solution(
        "a spike of one rate, as if Adam had seen nothing before",
        {"q6": "spike = 1.0\n" + TOTAL + DECAYED + PENALISED},
        lost={"q6": 1},
    ),
    Solution(
        "total: s shrinks, not its root",
        {
            "q6": SPIKE
            + "total = (1 - beta1) / np.sqrt(1 - beta2) / (1 - beta1 / beta2)\n"
            + DECAYED
            + PENALISED
        },
        lost={"q6": 1},
    ),
    Solution(
        "total: s does not shrink",
        {
            "q6": SPIKE
            + "total = 1 / np.sqrt(1 - beta2)\n"
            + DECAYED
            + PENALISED
        },
        lost={"q6": 1},
    ),
    Solution(
        "decay off by one step",
        {
            "q6": SPIKE
            + TOTAL
            + "decayed = x0 * (1 - eta * omega) ** T\n"
            + PENALISED
        },
        lost={"q6": 1},
    ),
    Solution(
        "decay without the rate",
        {
            "q6": SPIKE
            + TOTAL
            + "decayed = x0 * (1 - omega) ** (T - 1)\n"
            + PENALISED
        },
        lost={"q6": 1},
    ),
    Solution(
        "the penalty as if it were decay",
        {
            "q6": SPIKE
            + TOTAL
            + DECAYED
            + "penalised = x0 * (1 - eta * omega) ** 2\n"
        },
        lost={"q6": 1},
    ),
    Solution(
        "two steps of eta under the penalty",
        {"q6": SPIKE + TOTAL + DECAYED + "penalised = x0 - 2 * eta\n"},
        lost={"q6": 1},
    ),
]

RIGHT = [
    Solution(
        "by brute force: loops, all subsets, unit vectors, a search, simulations",
        {
            "q1": """
def one_epoch(A, y, w0, eta, b, order):
    w = [float(value) for value in w0]
    path, total, count = [list(w)], [0.0] * len(w), 0
    for position, i in enumerate(order):
        error = sum(a * v for a, v in zip(A[i], w)) - y[i]
        total = [t + error * a for t, a in zip(total, A[i])]
        count += 1
        if count == b or position == len(order) - 1:
            w = [v - eta * t / count for v, t in zip(w, total)]
            path.append(list(w))
            total, count = [0.0] * len(w), 0
    return np.array(path)
""",
            "q2": """
def pool(rows, means, variances):
    n = sum(rows)
    first = second = 0
    for count, mean, variance in zip(rows, means, variances):
        if count:
            first = first + count * mean / n
            second = second + count * (variance + mean**2) / n
    return np.array([first, second - first**2])
""",
            "q3": """
import itertools


def noise(G, b, k):
    squares = []
    for seen in itertools.combinations(range(len(G)), b * k):
        distance = G[list(seen)].mean(axis=0) - G.mean(axis=0)
        squares.append(distance @ distance)
    return np.mean(squares) ** 0.5
""",
            "q4": """
def iteration_matrix(H, eta, beta):
    d = len(H)

    def step(pair):
        v = beta * pair[d:] + H @ pair[:d]
        return np.concatenate([pair[:d] - eta * v, v])

    return np.array([step(unit) for unit in np.eye(2 * d)]).T
""",
            "q5": """
def given_momentum(mu, L, beta):
    def worst(eta):
        lams = np.linspace(mu, L, 9)
        return max(abs(np.roots([1, eta * lam - 1 - beta, beta])).max() for lam in lams)

    low, high = 0.0, 2 * (1 + beta) / L
    for _ in range(10):  # 21 rates, then 21 between the neighbours of the best
        rates = np.linspace(low, high, 21)[1:-1]
        found = [worst(eta) for eta in rates]
        best, width = rates[np.argmin(found)], (high - low) / 20
        low, high = best - width, best + width
    return np.array([best, worst(best)])
""",
            "q6": """
def adam(gradients):
    m = s = 0.0
    moves = []
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g**2
        quotient = 0.0
        if s > 0:
            quotient = (m / (1 - beta1**t)) / (s / (1 - beta2**t)) ** 0.5
        moves.append(quotient)
    return moves


spike = adam([0.0] * (T - 1) + [5.0])[-1]
total = sum(adam([0.0] * 40000 + [5.0] + [0.0] * 1000))
decayed = x0
for _ in range(T - 1):
    decayed -= eta * omega * decayed
x1 = x0 - eta * adam([omega * x0])[0]
penalised = x1 - eta * adam([omega * x0, omega * x1])[1]
""",
        },
    ),
    Solution(
        "by theory: recursion, merging two by two, covariances, Kronecker products, bisection",
        {
            "q1": """
def one_epoch(A, y, w0, eta, b, order):
    first = np.array(w0, dtype=float)[None]
    if len(order) == 0:
        return first
    Ab, yb = A[order[:b]], y[order[:b]]
    H, g = Ab.T @ Ab / len(yb), Ab.T @ yb / len(yb)
    w = (np.eye(len(w0)) - eta * H) @ w0 + eta * g
    return np.vstack([first, one_epoch(A, y, w, eta, b, order[b:])])
""",
            "q2": """
def pool(rows, means, variances):
    rows, n = np.array(rows), 0
    mean = squares = np.zeros(np.shape(means)[1])
    for k in np.flatnonzero(rows):
        gap, both = means[k] - mean, n + rows[k]
        squares = squares + rows[k] * variances[k] + gap**2 * n * rows[k] / both
        mean, n = mean + gap * rows[k] / both, both
    return np.stack([mean, squares / n])
""",
            "q3": """
def noise(G, b, k):
    n = len(G)
    slice_variance = np.trace(np.atleast_2d(np.cov(G.T, ddof=0))) / b * (n - b) / (n - 1)
    # Two slices of one order: each pair of rows has covariance -sigma^2 / (n - 1).
    between = -np.trace(np.atleast_2d(np.cov(G.T, ddof=0))) / (n - 1)
    squared = slice_variance / k + (k - 1) / k * between
    return np.sqrt(max(squared, 0.0))
""",
            "q4": """
def iteration_matrix(H, eta, beta):
    d = len(H)
    of_e = np.array([[-eta], [1.0]])
    fixed = np.array([[1.0, -eta * beta], [0.0, beta]])
    return np.kron(fixed, np.eye(d)) + np.kron(of_e @ [[1.0, 0.0]], H)
""",
            "q5": """
def given_momentum(mu, L, beta):
    # (9.10): r is possible if beta <= r^2 and the bar fits between the two bounds.
    low, high = np.sqrt(beta), 1.0
    for _ in range(60):
        r = (low + high) / 2
        quotient = beta / r if r else 0.0
        fits = (1 + r) * (1 + quotient) * mu >= (1 - r) * (1 - quotient) * L
        low, high = (low, r) if fits else (r, high)
    quotient = beta / high
    return np.array([(1 + high) * (1 + quotient) / L, high])
""",
            "q6": """
lengths = beta1 ** np.arange(T), beta2 ** np.arange(T)
spike = np.sqrt(lengths[1].sum()) / lengths[0].sum()
silent = np.arange(4000)
total = np.sum((1 - beta1) * beta1**silent / np.sqrt((1 - beta2) * beta2**silent))
decayed = x0 * np.exp((T - 1) * np.log(1 - eta * omega))
g = np.array([x0, x0 - eta])
mean = np.average(g, weights=[beta1, 1])
rms = np.sqrt(np.average(g**2, weights=[beta2, 1]))
penalised = x0 - eta * (1 + mean / rms)
""",
        },
    ),
]
