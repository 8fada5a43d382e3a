"""Training of SS-SoilNet: samples/s of Salina over those of PyTorch on the same network and batch, and of two threads over one.
The first ratio also as samples per second of CPU time with one thread each, which other work on the machine disturbs less.

A step is forward, gradients, clipping at norm 1 and AdamW, on random input, float32. PyTorch uses both cores and whichever memory
layout is faster here. Repetitions alternate between the contestants, medians count: other work on the machine hits all of them alike.
Prints one JSON object per figure.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import torch
import torch.nn.functional as F

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("SALINA_BUILD", ROOT / "build/release")) / "bench/train_speed"
sys.path.insert(0, str(ROOT / "tests/oracle"))
import ss_soilnet_torch as twin  # noqa: E402

GOAL, GOAL_THREADS = 5, 1.8
BATCH, REPETITIONS = 32, 5  # batch: the default of Train model


class Contiguous(twin.Network):
    """The same network in PyTorch's default layout."""

    def trunk(self, window):
        x = window.permute(0, 3, 1, 2).contiguous()
        for k in (1, 2, 3):
            x = F.conv2d(x, self[f"trunk/stage{k}/conv/w"], None, stride=2, groups=self.o["covariates"])
            x = self.batch_norm(f"trunk/stage{k}/norm", x, axis=1)
        return x


def salina(threads, steps, *path):
    command = [PROGRAM, "ss_soilnet", str(BATCH), str(steps), str(threads), *path]
    done = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return done["samples_per_second"], done["per_cpu_second"]


def contestant(network, shape, arrays):
    """A function that trains for some steps and returns samples/s and per second of CPU time."""
    net = network("ss_soilnet", shape, arrays).train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-2)
    torch.manual_seed(1)
    inputs = {"spectrum": torch.randn(BATCH, shape["bands"]), "index": torch.randn(BATCH, shape["indices"]), "ndvi": torch.randn(BATCH, 1),
              "point": torch.randn(BATCH, shape["covariates"]),
              "window": torch.randn(BATCH, shape["window"], shape["window"], shape["covariates"])}
    target = torch.randn(BATCH)

    def train(steps, threads):
        torch.set_num_threads(threads)
        begin, cpu = time.perf_counter(), time.process_time()
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            twin.loss(net(**inputs), target, shape["head"]).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
        return BATCH * steps / (time.perf_counter() - begin), BATCH * steps / (time.process_time() - cpu)

    train(2, 2)  # warm
    return train


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/arrays.safetensors"
        salina(2, 1, path)
        arrays, meta = twin.load(path)
    shape = json.loads(meta["shape"])
    runners = {"salina_2": lambda: salina(2, 30), "channels_last_2": lambda: networks[0](3, 2), "contiguous_2": lambda: networks[1](3, 2),
               "salina_1": lambda: salina(1, 20), "channels_last_1": lambda: networks[0](2, 1), "contiguous_1": lambda: networks[1](2, 1)}
    networks = [contestant(kind, shape, arrays) for kind in (twin.Network, Contiguous)]
    rates = {name: [] for name in runners}
    for _ in range(REPETITIONS):
        for name, runner in runners.items():
            rates[name].append(runner())
    wall, cpu = ({name: round(statistics.median(pair[k] for pair in pairs), 1) for name, pairs in rates.items()} for k in (0, 1))
    figures = [("train", wall["salina_2"] / max(wall["channels_last_2"], wall["contiguous_2"]), GOAL,
                {"batch": BATCH, "samples_per_second": wall, "repetitions": rates}),
               ("train, CPU time, one thread", cpu["salina_1"] / max(cpu["channels_last_1"], cpu["contiguous_1"]), GOAL,
                {"batch": BATCH, "samples_per_cpu_second": cpu}),
               ("train, threads 1 to 2", wall["salina_2"] / wall["salina_1"], GOAL_THREADS, {})]
    for name, value, goal, detail in figures:
        print(json.dumps({"name": name, "value": round(value, 2), "goal": goal, "detail": detail}))



if __name__ == "__main__":
    main()
