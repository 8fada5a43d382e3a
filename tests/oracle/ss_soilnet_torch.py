"""ss_soilnet_torch.py - SS-SoilNet and its ablations in PyTorch, the twin of native/models/ss_soilnet*.c.

Parameters carry Salina's names and come from a .safetensors model (load) or from random numbers. Salina is channels last with weights
(rows, cols, in / groups, out) and (in, out); PyTorch's own layouts are made once, when parameters are set.
"""
import json
import struct

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

EPS = 1e-5


def load(path):
    """Tensors (numpy, by name) and the metadata texts of a .safetensors file."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    types = {"F32": np.float32, "F64": np.float64, "I64": np.int64}
    meta = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[begin:end], types[entry["dtype"]]).reshape(entry["shape"]).copy()
    return tensors, meta


class Network(nn.Module):
    """Functional network over a dictionary of Salina parameters; `shape` holds bands, indices, covariates, window, width, heads, channels,
    pools, hidden, head ("quantile" or "huber")."""

    def __init__(self, system, shape, arrays):
        super().__init__()
        self.system, self.o = system, shape
        self.p = nn.ParameterDict()
        self.moments = {}
        for name, value in arrays.items():
            value = torch.as_tensor(value)
            if name.endswith("/moments"):
                self.moments[name] = value.clone()
                continue
            if value.dim() == 4:  # convolution
                value = value.permute(3, 2, 0, 1)
            elif value.dim() == 3 and name.endswith("/w") and name != "gate/place/w":  # 1-D convolution
                value = value.permute(2, 1, 0)
            self.p[self.key(name)] = nn.Parameter(value.contiguous())

    @staticmethod
    def key(name):
        return name.replace("/", "|").replace(".", "_")

    def __getitem__(self, name):
        return self.p[self.key(name)]

    def has(self, name):
        return self.key(name) in self.p

    @staticmethod
    def back(name, value):
        """In Salina's layout."""
        if value.dim() == 4:
            return value.permute(2, 3, 1, 0).contiguous()
        if value.dim() == 3 and name.endswith("/w") and name != "gate/place/w":
            return value.permute(2, 1, 0).contiguous()
        return value

    def gradient(self, name):
        return self.back(name, self[name].grad)

    def value(self, name):
        return self.back(name, self[name].detach())

    # ---- layers; batch norm takes the channel axis ----

    def dense(self, name, x):
        y = x @ self[name + "/w"]
        return y + self[name + "/b"] if self.has(name + "/b") else y

    def batch_norm(self, name, x, relu=True, axis=-1):
        moments = self.moments[name + "/moments"]
        moved = x.movedim(axis, 1) if axis != 1 else x
        y = F.batch_norm(moved, moments[0], moments[1], self[name + "/gamma"], self[name + "/beta"], self.training, 0.1, EPS)
        y = F.relu(y) if relu else y
        return y.movedim(1, axis) if axis != 1 else y

    def layer_norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self[name + "/gamma"], self[name + "/beta"], EPS)

    def residual_mlp(self, name, x):
        h = F.relu(self.dense(name + "/1", self.layer_norm(name + "/norm", x)))
        return x + self.dense(name + "/2", h)

    def attention(self, name, query, memory):
        n, tq, d = query.shape
        heads = self.o["heads"]
        q, k, v = (self.dense(f"{name}/{part}", x).view(n, -1, heads, d // heads).transpose(1, 2)
                   for part, x in (("q", query), ("k", memory), ("v", memory)))
        weights = torch.softmax(q @ k.transpose(-1, -2) / (d // heads) ** 0.5, -1)
        return self.dense(name + "/out", (weights @ v).transpose(1, 2).reshape(n, tq, d)), weights

    # ---- branches ----

    def spectral_tokens(self, spectrum):
        x = spectrum.unsqueeze(1)
        scales = [F.conv1d(x, self[f"spectrum/scale{k}/w"], self[f"spectrum/scale{k}/b"], padding=k // 2) for k in (1, 3, 5)]
        y = self.batch_norm("spectrum/scales", torch.cat(scales, 1), axis=1)
        y = self.batch_norm("spectrum/mix", self.dense("spectrum/mix", y.transpose(1, 2)))
        return y + self["spectrum/place"]

    def index_tokens(self, index, ndvi):
        vegetated = torch.sigmoid(ndvi / 0.05 - 6)
        out = []
        for branch, share in (("bare", 1 - vegetated), ("vegetated", vegetated)):
            x = self.batch_norm(f"index/{branch}/in", self.dense(f"index/{branch}/in", index))
            for k in (1, 2):
                x = self.residual_mlp(f"index/{branch}/block{k}", x)
            out.append((x * share).unsqueeze(1))
        return torch.cat(out, 1)

    def trunk(self, window):
        x = window.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        for k in (1, 2, 3):
            x = F.conv2d(x, self[f"trunk/stage{k}/conv/w"], None, stride=2, groups=self.o["covariates"])
            x = self.batch_norm(f"trunk/stage{k}/norm", x, axis=1)
        return x  # (n, covariate channel, cell, cell)

    def gates(self, features):
        n, _, cells, _ = features.shape
        e, c = self.o["covariates"], self.o["channels"][2]
        groups = features.reshape(n, e, c, cells, cells)
        mean_map, max_map = groups.mean(2), groups.amax(2)

        def perceptron(x):
            return self.dense("gate/channel2", F.relu(self.dense("gate/channel1", x)))

        channel = torch.sigmoid(perceptron(mean_map.mean((2, 3))) + perceptron(max_map.amax((2, 3))))
        gate = channel[:, :, None, None]
        both = torch.cat([(mean_map * gate).mean(1, True), (max_map * gate).amax(1, True)], 1)
        spatial = torch.sigmoid(F.conv2d(both, self["gate/spatial/w"], self["gate/spatial/b"], padding=3))
        maps = spatial.reshape(n, cells * cells, 1) * self["gate/place/w"]
        pooled = torch.einsum("nkp,neck->nepc", maps, groups.reshape(n, e, c, cells * cells))
        return pooled.reshape(n, e, -1) * channel.unsqueeze(-1), channel, spatial

    def point(self, point):
        return self.residual_mlp("point/block1", self.batch_norm("point/in", self.dense("point/in", point)))

    def head(self, features):
        h = self.batch_norm("head/hidden", self.dense("head/hidden", features))
        y = self.dense("head/out", h)
        if y.shape[1] == 1:
            return y
        return torch.stack([y[:, 1] - F.softplus(y[:, 0]), y[:, 1], y[:, 1] + F.softplus(y[:, 2])], 1)

    def forward(self, spectrum=None, index=None, ndvi=None, point=None, window=None):
        tokens = self.index_tokens(index, ndvi)
        if self.system == "index":
            return self.head(tokens.flatten(1))
        band = self.spectral_tokens(spectrum)
        if self.system == "spec_index":
            return self.head(torch.cat([band.flatten(1), tokens.flatten(1)], 1))
        if self.system == "ss_stack":
            return self.head(torch.cat([band.flatten(1), tokens.flatten(1), self.point(point)], 1))
        pooled, _, _ = self.gates(self.trunk(window))
        query = self.layer_norm("query/norm", self.dense("query/project", pooled) + self["query/place"])
        memory = self.layer_norm("token/norm", torch.cat([band, tokens], 1))
        fused, _ = self.attention("cross", query, memory)
        fused = self.layer_norm("fused/norm", query + fused)
        point = window[:, window.shape[1] // 2, window.shape[2] // 2] if point is None else point
        return self.head(torch.cat([fused.flatten(1), band.mean(1), tokens.flatten(1), self.point(point)], 1))


def loss(prediction, target, head, low=0.05, high=0.95):
    """Mean loss as sal_model_loss: Huber with delta 1 on the centre, for three columns plus the pinball of the limits. target (n)."""
    if head == "huber":
        return F.huber_loss(prediction[:, 0], target)
    total = F.huber_loss(prediction[:, 1], target)
    for k, q in ((0, low), (2, high)):
        e = target - prediction[:, k]
        total = total + torch.maximum(q * e, (q - 1) * e).mean() / 2
    return total


def from_model(path, member=0):
    """A network in evaluation mode from a model file, with its description (JSON)."""
    tensors, meta = load(path)
    about = json.loads(meta["salina"])
    prefix = f"member{member}/"
    arrays = {name[len(prefix):]: value for name, value in tensors.items() if name.startswith(prefix)}
    return Network(about["system"], about["hyper"], arrays).eval(), about
