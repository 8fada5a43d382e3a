"""Every op, every layer and ten optimiser steps against PyTorch.

salina_oracle writes the inputs, outputs and gradients of libsalina (float) as JSON; here PyTorch (double) computes the same from the
same inputs. A case without a counterpart here fails. Written with torch 1.13 (Debian 12).
"""
import json
import math
import os
import pathlib
import subprocess

import pytest

torch = pytest.importorskip("torch")
F = torch.nn.functional
HERE = pathlib.Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    build = pathlib.Path(os.environ.get("SALINA_BUILD", HERE.parent.parent / "build" / "release"))
    program = build / "tests" / "salina_oracle"
    if not program.exists():
        pytest.skip(f"{program} is not built")
    out = tmp_path_factory.mktemp("oracle") / "oracle.json"
    subprocess.run([program, out], check=True)
    print("torch", torch.__version__)
    return json.loads(out.read_text())


def tensor(entry, grad=False):
    return torch.tensor(entry["data"], dtype=torch.float64).reshape(entry["shape"]).requires_grad_(grad)


def assert_close(what, ours, theirs, relative=2e-5):
    ours, theirs = tensor(ours), theirs.detach()
    assert tuple(ours.shape) == tuple(theirs.shape), f"{what}: {tuple(ours.shape)} instead of {tuple(theirs.shape)}"
    size = max(1.0, theirs.abs().max().item()) if theirs.numel() else 1.0
    error = (ours - theirs).abs().max().item() if theirs.numel() else 0.0
    assert error <= relative * size, f"{what}: off by {error:.3g} at values up to {size:.3g}"


# ---- building blocks in our layout: channels last, kernels (rows, cols, in, out) ----

def conv2d(x, w, b=None, stride=1, pad=0, dilation=1, groups=1):
    return F.conv2d(x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1).contiguous(), b, stride, pad, dilation, groups).permute(0, 2, 3, 1)


def conv1d(x, w, b, pad=0):
    return F.conv1d(x.transpose(1, 2), w.permute(2, 1, 0), b, padding=pad).transpose(1, 2)


def batch_norm(x, gamma, beta, moments=None, relu=False, running=None):
    c = x.shape[-1]
    flat = x.reshape(-1, c)
    if moments is None:
        mean, var = (running[0], running[1]) if running is not None else (None, None)
        y = F.batch_norm(flat, mean, var, gamma, beta, training=True, momentum=0.1, eps=1e-5)
    else:
        y = F.batch_norm(flat, moments[0], moments[1], gamma, beta, training=False, eps=1e-5)
    y = y.reshape(x.shape)
    return F.relu(y) if relu else y


def group_norm(x, groups, gamma, beta):
    return F.group_norm(x.permute(0, 3, 1, 2), groups, gamma, beta, 1e-5).permute(0, 2, 3, 1)


def pool(x, f):
    return f(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def heads_of(x, heads):
    n, steps, d = x.shape
    return x.reshape(n, steps, heads, d // heads).transpose(1, 2)


def attention_weights(q, k, heads):
    q, k = heads_of(q, heads), heads_of(k, heads)
    return F.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), dim=-1)


def attention(q, k, v, heads):
    return (attention_weights(q, k, heads) @ heads_of(v, heads)).transpose(1, 2).reshape(q.shape)


def lstm(x, w_ih, w_hh, b=None):
    zeros = torch.zeros(w_hh.shape[1], dtype=torch.float64)
    start = torch.zeros(1, x.shape[0], w_hh.shape[0], dtype=torch.float64)
    weights = [w_ih.T, w_hh.T, zeros if b is None else b, zeros]  # what torch.nn.LSTM calls beneath
    return torch._VF.lstm(x, (start, start), weights, True, 1, 0.0, True, False, True)[0]


def weighted(losses, w=None):
    losses = losses.reshape(losses.shape[0], -1).mean(1)
    return losses.mean() if w is None else (w * losses).sum() / w.sum()


def pinball(a, target, w=None):
    u = torch.tensor([0.05, 0.5, 0.95], dtype=torch.float64)
    e = target.reshape(-1, 1) - a
    return weighted(torch.maximum(u * e, (u - 1) * e), w)


def ntxent(a, b, tau):
    z = F.normalize(torch.cat([a, b]), dim=1)
    n = len(a)
    s = (z @ z.T / tau).masked_fill(torch.eye(2 * n, dtype=torch.bool), -math.inf)
    return F.cross_entropy(s, torch.cat([torch.arange(n, 2 * n), torch.arange(n)]))


def running_moments(x):
    flat = x.reshape(-1, x.shape[-1])
    now = torch.stack([flat.mean(0), flat.var(0, unbiased=False)])
    start = torch.stack([torch.zeros(3), torch.ones(3)]).double()
    unbiased = torch.stack([now[0], now[1] * 8 / 7])  # the case states 8 samples
    return torch.cat([now, 0.9 * start + 0.1 * unbiased])


OPS = {
    "add": torch.add, "add_same": torch.add, "sub": torch.sub, "mul": torch.mul, "mul_same": torch.mul,
    "scale": lambda x: -1.5 * x + 0.25, "copy": lambda x: x + 0, "relu": F.relu,
    "reshape": lambda x: x.reshape(-1, 12), "concat": lambda a, b, c: torch.cat([a, b, c], -1),
    "concat_middle": lambda a, b: torch.cat([a, b], 1), "slice": lambda x: x[:, 1:4], "transpose": lambda x: x.permute(0, 2, 3, 1),
    "sum_to": lambda x: x.sum(1, True), "sum_to_channels": lambda x: x.sum((0, 1), True),
    "expand_to": lambda x: x.expand(-1, 5, -1), "mean_to": lambda x: x.mean(2, True),
    "dense": lambda x, w, b: x @ w + b, "dense_no_bias": lambda x, w: x @ w,
    "matmul": lambda a, b: a @ b, "matmul_ta": lambda a, b: a.mT @ b, "matmul_tb": lambda a, b: a @ b.mT, "matmul_tab": lambda a, b: a.mT @ b.mT,
    "conv2d": conv2d, "conv2d_stride": lambda x, w, b: conv2d(x, w, b, 2, 1), "conv2d_groups": lambda x, w, b: conv2d(x, w, b, 2, groups=3),
    "conv2d_dilated": lambda x, w: conv2d(x, w, pad=2, dilation=2), "conv2d_point": conv2d, "conv1d": lambda x, w, b: conv1d(x, w, b, 1),
    "batch_norm": batch_norm, "batch_norm_relu": lambda x, g, b: batch_norm(x, g, b, relu=True), "batch_norm_eval": batch_norm,
    "running_moments": running_moments,
    "sigmoid": torch.sigmoid, "tanh": torch.tanh, "gelu": F.gelu, "exp": torch.exp, "ln": torch.log, "log1p": torch.log1p,
    "softplus": F.softplus, "square": torch.square, "sqrt": torch.sqrt, "abs": torch.abs, "reciprocal": torch.reciprocal,
    "clamp": lambda x: x.clamp(-0.55, 0.65), "dropout": None,
    "softmax": lambda x: F.softmax(x, -1), "layer_norm": lambda x, g, b: F.layer_norm(x, x.shape[-1:], g, b, 1e-5),
    "layer_norm_plain": lambda x: F.layer_norm(x, x.shape[-1:], eps=1e-5), "l2_normalise": lambda x: F.normalize(x, dim=-1),
    "group_norm": lambda x, g, b: group_norm(x, 2, g, b),
    "max_pool2d": lambda x: pool(x, lambda v: F.max_pool2d(v, 3, 2, 1)),
    "average_pool2d": lambda x: pool(x, lambda v: F.avg_pool2d(v, 3, 2, 1)),
    "global_mean": lambda x: x.mean((1, 2)), "global_max": lambda x: x.amax((1, 2)),
    "channel_mean": lambda x: x.mean(-1, True), "channel_max": lambda x: x.amax(-1, True),
    "sum_all": torch.sum, "mean_all": torch.mean, "gather": lambda table, index: F.embedding(index.long(), table),
    "attention": lambda q, k, v: attention(q, k, v, 2), "self_attention": lambda x: attention(x, x, x, 1),
    "attention of more queries than lanes": lambda q, k, v: attention(q, k, v, 2),
    "attention_weights": lambda q, k: attention_weights(q, k, 2), "lstm": lstm, "lstm_one_step": lstm,
    "loss_mse": F.mse_loss, "loss_mse_weighted": lambda a, b, w: weighted((a - b) ** 2, w),
    "loss_huber": lambda a, b, w: weighted(F.huber_loss(a, b, reduction="none", delta=0.7), w),
    "loss_pinball": pinball, "loss_pinball_weighted": pinball,
    "loss_cosine": lambda a, b, w: weighted((1 - F.cosine_similarity(a, b))[:, None], w),
    "loss_ntxent": lambda a, b: ntxent(a, b, 0.5),
}


def test_ops_agree_with_torch(oracle):
    assert set(OPS) == set(oracle["ops"]), "a case of op_cases.h has no counterpart here, or the other way round"
    for name, case in oracle["ops"].items():
        if OPS[name] is None:
            continue  # random
        inputs = {k: tensor(v, f"gradient:{k}" in case) for k, v in case.items() if ":" not in k and k not in ("y", "cotangent")}
        y = OPS[name](*inputs.values())
        assert_close(f"{name}: y", case["y"], y)
        wanted = [k for k in inputs if f"gradient:{k}" in case]
        if not wanted:
            continue
        gradients = torch.autograd.grad((y * tensor(case["cotangent"])).sum(), [inputs[k] for k in wanted], allow_unused=True)
        for k, g in zip(wanted, gradients):
            assert_close(f"{name}: gradient of {k}", case[f"gradient:{k}"], torch.zeros_like(inputs[k]) if g is None else g)


# ---- layers: p holds parameters by the name after "l/", s the running moments ----

def dense(p, name, x):
    return x @ p[name + "/w"] + p[name + "/b"]


def norm(p, name, x):
    return F.layer_norm(x, x.shape[-1:], p[name + "/gamma"], p[name + "/beta"], 1e-5)


def conv_bn(p, s, name, x, stride=1, pad=0, relu=True, training=True):
    x = conv2d(x, p[name + "/conv/w"], None, stride, pad)
    gamma, beta, moments = p[name + "/norm/gamma"], p[name + "/norm/beta"], s[name + "/norm/moments"]
    return batch_norm(x, gamma, beta, None if training else moments, relu, moments)


def attention_layer(p, name, query, memory, heads):
    h = attention(dense(p, name + "/q", query), dense(p, name + "/k", memory), dense(p, name + "/v", memory), heads)
    return dense(p, name + "/out", h)


def transformer(p, s, x, heads, pre, batch=False):
    def n(name, v):
        return batch_norm(v, p[f"l/{name}/gamma"], p[f"l/{name}/beta"], running=s[f"l/{name}/moments"]) if batch else norm(p, "l/" + name, v)

    def mlp(v):
        return dense(p, "l/mlp/2", F.gelu(dense(p, "l/mlp/1", v)))

    if pre:
        h = n("norm1", x)
        x = x + attention_layer(p, "l/attention", h, h, heads)
        return x + mlp(n("norm2", x))
    x = n("norm1", x + attention_layer(p, "l/attention", x, x, heads))
    return n("norm2", x + mlp(x))


def module_transformer(p, x, heads, pre):
    """torch.nn.TransformerEncoderLayer with our parameters, so that the layer is checked against PyTorch's own and not only its equation."""
    d = x.shape[-1]
    layer = torch.nn.TransformerEncoderLayer(d, heads, 12, 0.0, "gelu", 1e-5, batch_first=True, norm_first=pre).double()
    state = {
        "self_attn.in_proj_weight": torch.cat([p[f"l/attention/{k}/w"].T for k in "qkv"]),
        "self_attn.in_proj_bias": torch.cat([p[f"l/attention/{k}/b"] for k in "qkv"]),
        "self_attn.out_proj.weight": p["l/attention/out/w"].T, "self_attn.out_proj.bias": p["l/attention/out/b"],
        "linear1.weight": p["l/mlp/1/w"].T, "linear1.bias": p["l/mlp/1/b"], "linear2.weight": p["l/mlp/2/w"].T, "linear2.bias": p["l/mlp/2/b"],
        "norm1.weight": p["l/norm1/gamma"], "norm1.bias": p["l/norm1/beta"], "norm2.weight": p["l/norm2/gamma"], "norm2.bias": p["l/norm2/beta"],
    }
    return torch.nn.utils.stateless.functional_call(layer, state, (x,))


def lstm_layer(p, s, x):
    for k in range(2):
        x = lstm(x, p[f"l/{k}/w_ih"], p[f"l/{k}/w_hh"], p[f"l/{k}/b"])
    return x[:, -1]


def cbam(p, s, x):
    def mlp(v):
        return dense(p, "l/channel/2", F.relu(dense(p, "l/channel/1", v)))

    x = x * torch.sigmoid(mlp(x.mean((1, 2))) + mlp(x.amax((1, 2))))[:, None, None]
    both = torch.cat([x.amax(-1, True), x.mean(-1, True)], -1)
    return x * torch.sigmoid(conv_bn(p, s, "l/spatial", both, 1, 1, False))


def basic_block(p, s, x):
    h = conv_bn(p, s, "l/2", conv_bn(p, s, "l/1", x, 2, 1), 1, 1, False)
    return F.relu(h + conv_bn(p, s, "l/shortcut", x, 2, 0, False))


def bottleneck(p, s, x):
    h = conv_bn(p, s, "l/3", conv_bn(p, s, "l/2", conv_bn(p, s, "l/1", x), 1, 1), relu=False)
    return F.relu(h + x)


LAYERS = {
    "dense": lambda p, s, x: dense(p, "l", x),
    "conv2d": lambda p, s, x: conv2d(x, p["l/w"], p["l/b"], 2, groups=2),
    "conv1d": lambda p, s, x: conv1d(x, p["l/w"], p["l/b"], 1),
    "conv_bn": lambda p, s, x: conv_bn(p, s, "l", x),
    "conv_bn_eval": lambda p, s, x: conv_bn(p, s, "l", x, training=False),
    "norm": lambda p, s, x: norm(p, "l", x),
    "group_norm": lambda p, s, x: group_norm(x, 2, p["l/gamma"], p["l/beta"]),
    "attention": lambda p, s, x: attention_layer(p, "l", x, x[:, 1:4], 2),
    "transformer_post": lambda p, s, x: module_transformer(p, x, 2, False),
    "transformer_pre": lambda p, s, x: module_transformer(p, x, 4, True),
    "transformer_batch": lambda p, s, x: transformer(p, s, x, 2, False, True),
    "tokens": lambda p, s, x: torch.cat([p["l/token"].expand(len(x), -1, -1), x], 1) + p["l/positions"],
    "lstm": lstm_layer,
    "residual_mlp": lambda p, s, x: x + dense(p, "l/2", F.relu(dense(p, "l/1", norm(p, "l/norm", x)))),
    "cbam": cbam, "basic_block": basic_block, "bottleneck": bottleneck,
}


def test_layers_agree_with_torch(oracle):
    assert set(LAYERS) == set(oracle["layers"])
    for name, case in oracle["layers"].items():
        p = {k[2:]: tensor(v, True) for k, v in case.items() if k.startswith("p:")}
        s = {k[2:]: tensor(v) for k, v in case.items() if k.startswith("s:")}
        x = tensor(case["x"], True)
        y = LAYERS[name](p, s, x)
        assert_close(f"{name}: y", case["y"], y)
        (y * tensor(case["cotangent"])).sum().backward()
        assert_close(f"{name}: gradient of x", case["gradient:x"], x.grad, 1e-4)
        for k, v in p.items():
            assert_close(f"{name}: gradient of {k}", case[f"gradient:p:{k}"], torch.zeros_like(v) if v.grad is None else v.grad, 1e-4)
        for k, v in s.items():
            assert_close(f"{name}: {k} after the run", case[f"after:s:{k}"], v)


# ---- training ----

def network(p, s, x):
    x = conv_bn(p, s, "2", conv_bn(p, s, "1", x, 2))
    return dense(p, "4", F.relu(dense(p, "3", x.mean((1, 2)))))


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_ten_steps_agree_with_torch(oracle, kind):
    case = oracle["training"][kind]
    p = {k[2:]: tensor(v, True) for k, v in case.items() if k.startswith("p:")}
    s = {k[2:]: tensor(v) for k, v in case.items() if k.startswith("s:")}
    matrices, vectors = [v for v in p.values() if v.dim() > 1], [v for v in p.values() if v.dim() == 1]
    decay = 0.1 if kind == "adamw" else 0.01
    groups = [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=0.01) if kind == "adamw" else torch.optim.SGD(groups, lr=0.01, momentum=0.9, nesterov=True)
    for step in range(10):
        optimiser.zero_grad()
        loss = pinball(network(p, s, tensor(case["x"])), tensor(case["target"]))
        assert abs(loss.item() - case["losses"]["data"][step]) < 1e-4 * max(1, abs(loss.item())), f"loss of step {step}"
        loss.backward()
        if kind == "adamw":
            torch.nn.utils.clip_grad_norm_(list(p.values()), 0.5)
        optimiser.step()
    for k, v in p.items():
        assert_close(f"{kind}: {k} after ten steps", case[f"after:p:{k}"], v, 5e-4)
    for k, v in s.items():
        assert_close(f"{kind}: {k} after ten steps", case[f"after:s:{k}"], v, 1e-4)
