"""Wrong solutions of problem set 4 with what they deserve, and other right ones."""

from instructor.grader.submissions import Solution

MOMENTS = """\
growth = {growth}
moments = {moments}
"""

RUNNING = """\
def running_statistics(rows, batch, alpha):
    mean, var = np.zeros(rows.shape[1]), {var}
    for start in range(0, {end}, batch):
        part = rows[start : start + batch]
        if {counts}:
            mean = {old} * mean + {new} * part.mean(axis=0)
            var = {old} * var + {new} * {spread}
    return np.stack([mean, var])
"""
RUNNING_RIGHT = {
    "var": "np.ones(rows.shape[1])",
    "end": "len(rows)",
    "counts": "len(part) > 1",
    "old": "(1 - alpha)",
    "new": "alpha",
    "spread": "part.var(axis=0, ddof=1)",
}

LOSS = """\
def smoothed_loss(logits, labels, epsilon):
    k = logits.shape[1]
    {shift}
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    q = np.full(z.shape, {other})
    q[np.arange(len(labels)), labels] = {right}
    return {end}
"""
LOSS_RIGHT = {
    "shift": "z = logits - logits.max(axis=1, keepdims=True)",
    "other": "epsilon / k",
    "right": "1 - epsilon + epsilon / k",
    "end": "-(q * log_p).sum(axis=1).mean()",
}

TIED = """\
def tied_gradient(X, W, b):
    Z = X @ W + b
    A = np.maximum(Z, 0)
    P_bar = (A @ W.T - X) / {divisor}
    Z_bar = (P_bar @ W) * ({mask})
    return {end}
"""
TIED_RIGHT = {
    "divisor": "len(X)",
    "mask": "Z > 0",
    "end": "X.T @ Z_bar + P_bar.T @ A",
}

BLOCK = """\
class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            {middle},
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        nn.init.{init}(self.branch[4].weight)
        self.mean = {mean}
        self.pad = {pad}

    def forward(self, x):
        skip = nn.functional.pad(self.mean(x), self.pad)
        return {end}
"""
BLOCK_RIGHT = {
    "middle": "nn.ReLU()",
    "init": "zeros_",
    "mean": "nn.AvgPool2d(stride, ceil_mode=True)",
    "pad": "(0, 0, 0, 0, 0, outputs - inputs)",
    "end": "torch.relu(self.branch(x) + skip)",
}

COMPARE = """\
def compare(first, second, t_table):
    n, gaps = len(first), {gaps}
    paired = t_table[{degrees}] * gaps.std(ddof={ddof}) / np.sqrt(n)
    va, vb = first.var(ddof={ddof}) / n, second.var(ddof={ddof}) / n
    nu = {nu}
    return np.array([gaps.mean(), paired, t_table[{row}] * np.sqrt(va + vb)])
"""
COMPARE_RIGHT = {
    "gaps": "second - first",
    "degrees": "n - 2",
    "ddof": "1",
    "nu": "(va + vb) ** 2 / (va**2 / (n - 1) + vb**2 / (n - 1))",
    "row": "int(nu) - 1",
}


def moments(growth, result):
    return {"q1": MOMENTS.format(growth=growth, moments=result)}


def running(**changed):
    return {"q2": RUNNING.format(**RUNNING_RIGHT | changed)}


def loss(**changed):
    return {"q3": LOSS.format(**LOSS_RIGHT | changed)}


def tied(**changed):
    return {"q4": TIED.format(**TIED_RIGHT | changed)}


def block(**changed):
    return {"q5": BLOCK.format(**BLOCK_RIGHT | changed)}


def compare(**changed):
    return {"q6": COMPARE.format(**COMPARE_RIGHT | changed)}


WRONG = [
    Solution(
        "fan-out in place of fan-in",
        moments(
            "np.array(widths[1:]) / 2",
            "np.cumprod([1, *(growth / np.exp(np.log(growth).mean()))])",
        ),
        lost={"q1": 1},
    ),
    Solution(
        "the mean of He's variances, which does not keep the product",
        moments(
            "np.array(widths[:-1]) / 2",
            "np.cumprod([1, *(growth * np.mean(1 / growth))])",
        ),
        lost={"q1": 2},
    ),
    Solution(
        "off by one: without the input",
        moments(
            "np.array(widths[:-1]) / 2",
            "np.cumprod(growth / np.exp(np.log(growth).mean()))",
        ),
        lost={"q1": 2},
    ),
    Solution(
        "He's deviation in each layer: the wrong numbers between the ends",
        moments("np.array(widths[:-1]) / 2", "np.ones(len(widths))"),
        lost={"q1": 1},
    ),
    Solution(
        "the divisor m for remembering",
        running(spread="part.var(axis=0)"),
        lost={"q2": 3},
    ),
    Solution(
        "the smaller last batch is dropped",
        running(end="len(rows) - batch + 1"),
        lost={"q2": 1},
    ),
    Solution(
        "a single row counts, with variance 0",
        running(
            counts="True",
            spread="(part.var(axis=0, ddof=1) if len(part) > 1 else 0)",
        ),
        lost={"q2": 1},
    ),
    Solution(
        "the share of the old and of the new exchanged",
        running(old="alpha", new="(1 - alpha)"),
        lost={"q2": 2},
    ),
    Solution(
        "the running variance starts at 0",
        running(var="np.zeros(rows.shape[1])"),
        lost={"q2": 3},
    ),
    Solution("returns the start", running(end="0"), lost={"q2": 3}),
    Solution(
        "nothing subtracted, so that large logits overflow",
        loss(shift="z = logits"),
        lost={"q3": 1},
    ),
    Solution(
        "one maximum for the whole table",
        loss(shift="z = logits - logits.max()"),
        lost={"q3": 1},
    ),
    Solution(
        "subtracts in place and changes the logits",
        loss(shift="z = logits; z -= z.max(axis=1, keepdims=True)"),
        lost={"q3": 1},
    ),
    Solution(
        "epsilon shared by the wrong classes only",
        loss(other="epsilon / (k - 1)", right="1 - epsilon"),
        lost={"q3": 3},
    ),
    Solution(
        "the sum over the rows",
        loss(end="-(q * log_p).sum()"),
        lost={"q3": 3},
    ),
    Solution(
        "only the first use of the matrix",
        tied(end="X.T @ Z_bar"),
        lost={"q4": 3},
    ),
    Solution(
        "only the second use of the matrix",
        tied(end="P_bar.T @ A"),
        lost={"q4": 2},
    ),
    Solution("slope 1 at exactly 0", tied(mask="Z >= 0"), lost={"q4": 1}),
    Solution(
        "the sum over the rows, not their mean",
        tied(divisor="1"),
        lost={"q4": 2},
    ),
    Solution(
        "the wrong sign",
        tied(end="-X.T @ Z_bar - P_bar.T @ A"),
        lost={"q4": 3},
    ),
    Solution(
        "the last scale starts at 1", block(init="ones_"), lost={"q5": 2}
    ),
    Solution(
        "the skip forgets the border of an odd side",
        block(mean="nn.AvgPool2d(stride)"),
        lost={"q5": 1},
    ),
    Solution(
        "zeros in front of the channels",
        block(pad="(0, 0, 0, 0, outputs - inputs, 0)"),
        lost={"q5": 3},
    ),
    Solution(
        "one pixel in four in place of the mean",
        block(mean="nn.MaxPool2d(1, stride)"),
        lost={"q5": 2},
    ),
    Solution(
        "no ReLU at the end",
        block(end="self.branch(x) + skip"),
        lost={"q5": 2},
    ),
    Solution(
        "no ReLU within the branch",
        block(middle="nn.Identity()"),
        lost={"q5": 1},
    ),
    Solution(
        "the branch is never added",
        block(end="torch.relu(skip)"),
        lost={"q5": 1},
    ),
    Solution("the divisor n", compare(ddof="0"), lost={"q6": 2}),
    Solution(
        "first minus second", compare(gaps="first - second"), lost={"q6": 2}
    ),
    Solution(
        "off by one: n degrees of freedom for n pairs",
        compare(degrees="n - 1"),
        lost={"q6": 1},
    ),
    Solution(
        "2n - 2 degrees of freedom for Welch",
        compare(nu="2 * n - 2"),
        lost={"q6": 2},
    ),
    Solution(
        "nu rounded up", compare(row="int(np.ceil(nu)) - 1"), lost={"q6": 2}
    ),
]

RIGHT = [
    Solution(
        "loops, and torch where it has the thing already",
        {
            "q1": """\
product = 1.0
for n in widths[:-1]:
    product *= n / 2
s = product ** (-1 / (2 * (len(widths) - 1)))
moments = [1.0]
for n in widths[:-1]:
    moments.append(moments[-1] * n * s**2 / 2)
moments = np.array(moments)
""",
            "q2": """\
def running_statistics(rows, batch, alpha):
    layer = nn.BatchNorm1d(rows.shape[1], momentum=alpha).double()
    for part in torch.tensor(rows, dtype=torch.float64).split(batch):
        if len(part) > 1:
            layer(part)
    return torch.stack([layer.running_mean, layer.running_var]).numpy()
""",
            "q3": """\
def smoothed_loss(logits, labels, epsilon):
    loss = nn.CrossEntropyLoss(label_smoothing=epsilon)
    return loss(torch.tensor(logits), torch.tensor(labels)).item()
""",
            "q4": """\
def tied_gradient(X, W, b):
    X, b = torch.tensor(X), torch.tensor(b)
    W = torch.tensor(W, requires_grad=True)
    P = torch.relu(X @ W + b) @ W.T
    ((P - X).square().sum() / (2 * len(X))).backward()
    return W.grad.numpy()
""",
            "q5": """\
class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.norm2.weight.data.zero_()
        self.stride, self.added = stride, outputs - inputs

    def forward(self, x):
        h = nn.functional.relu(self.norm1(self.conv1(x)))
        h = self.norm2(self.conv2(h))
        s, pool = self.stride, nn.functional.avg_pool2d
        border = (0, -x.shape[3] % s, 0, -x.shape[2] % s)
        there = pool(nn.functional.pad(torch.ones_like(x), border), s)
        mean = pool(nn.functional.pad(x, border), s) / there
        zeros = mean.new_zeros(len(x), self.added, *mean.shape[2:])
        return nn.functional.relu(h + torch.cat([mean, zeros], dim=1))
""",
            "q6": """\
import statistics


def compare(first, second, t_table):
    n = len(first)
    gaps = [float(b) - float(a) for a, b in zip(first, second)]
    error = statistics.stdev(gaps) / n**0.5
    a, b = (statistics.variance(map(float, g)) / n for g in (first, second))
    freedom = (n - 1) * (a + b) ** 2 / (a * a + b * b)
    t_paired, t_welch = t_table[n - 2], t_table[int(freedom // 1) - 1]
    return [statistics.mean(gaps), t_paired * error, t_welch * (a + b) ** 0.5]
""",
        },
    ),
    Solution(
        "sums written in another way",
        {
            "q1": """\
L = len(widths) - 1
inputs = np.array(widths[:-1], dtype=float)
s2 = np.exp(np.mean(np.log(2 / inputs)))
moments = np.array([np.prod(inputs[:l] * s2 / 2) for l in range(L + 1)])
""",
            "q2": """\
def running_statistics(rows, batch, alpha):
    parts = [rows[i : i + batch] for i in range(0, len(rows), batch)]
    parts = [part for part in parts if len(part) >= 2]
    share = alpha * (1 - alpha) ** np.arange(len(parts) - 1, -1, -1)
    means = np.array([part.sum(axis=0) / len(part) for part in parts])
    squares = np.array([(part**2).sum(axis=0) for part in parts])
    m = np.array([[len(part)] for part in parts])
    variances = (squares - m * means**2) / (m - 1)
    rest = (1 - alpha) ** len(parts)
    return np.array([share @ means, rest + share @ variances])
""",
            "q3": """\
def smoothed_loss(logits, labels, epsilon):
    total = 0.0
    for z, label in zip(logits, labels):
        expected = (1 - epsilon) * z[label] + epsilon * z.mean()
        total += np.logaddexp.reduce(z) - expected
    return total / len(labels)
""",
            "q4": """\
def tied_gradient(X, W, b):
    total = np.zeros(W.shape)
    for x in X:
        z = W.T @ x + b
        a = np.where(z > 0, z, 0)
        e = W @ a - x
        total += np.outer(x, np.where(z > 0, W.T @ e, 0)) + np.outer(e, a)
    return total / len(X)
""",
            "q6": """\
def compare(first, second, t_table):
    n = len(first)
    C = np.cov(np.stack([first, second])) / n
    a, b = np.diag(C)
    down = np.floor((n - 1) * (a + b) ** 2 / (a**2 + b**2)).astype(int)
    paired = np.sqrt(np.array([-1, 1]) @ C @ [-1, 1])
    middle = np.mean(second) - np.mean(first)
    return np.array(
        [middle, t_table[n - 2] * paired, t_table[down - 1] * np.sqrt(a + b)]
    )
""",
        },
    ),
]
