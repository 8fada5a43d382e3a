"""SS-SoilNet and its ablations against their PyTorch twin: outputs, loss, all gradients and ten AdamW steps.

salina_systems_oracle writes what libsalina (float) gives as JSON; here PyTorch (double) computes the same from the same parameters and
inputs. Written with torch 1.13 (Debian 12).
"""
import json
import os
import pathlib
import subprocess

import pytest

torch = pytest.importorskip("torch")
import ss_soilnet_torch as twin  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    build = pathlib.Path(os.environ.get("SALINA_BUILD", HERE.parent.parent / "build" / "release"))
    program = build / "tests" / "salina_systems_oracle"
    if not program.exists():
        pytest.skip(f"{program} is not built")
    out = tmp_path_factory.mktemp("oracle") / "systems.json"
    subprocess.run([program, out], check=True)
    return {(case["system"], case["head"]): case for case in json.loads(out.read_text())}


def tensor(entry):
    return torch.tensor(entry["data"], dtype=torch.float64).reshape(entry["shape"])


def part(case, prefix):
    return {key[len(prefix):]: tensor(value) for key, value in case.items() if key.startswith(prefix)}


def assert_close(what, ours, theirs, relative=1e-4):
    theirs = theirs.detach()
    assert tuple(ours.shape) == tuple(theirs.shape), f"{what}: {tuple(ours.shape)} instead of {tuple(theirs.shape)}"
    size = theirs.abs().max().item()
    error = (ours - theirs).abs().max().item()
    assert error <= relative * max(size, 1e-2), f"{what}: off by {error:.3g} at values up to {size:.3g}"


def network(case):
    inputs = part(case, "in:")
    target = inputs.pop("target")
    return twin.Network(case["system"], case["shape"], part(case, "p:")), inputs, target


KEYS = [(system, head) for system in ("ss_soilnet", "ss_stack", "spec_index", "index") for head in ("quantile", "huber")]


def test_every_system_is_compared(cases):
    assert set(cases) == set(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_outputs_loss_and_gradients_agree_with_torch(cases, key):
    case = cases[key]
    net, inputs, target = network(case)
    with torch.no_grad():
        assert_close("evaluation", tensor(case["eval"]), net.eval()(**inputs), 1e-5)
    y = net.train()(**inputs)
    assert_close("training", tensor(case["train"]), y, 2e-5)
    loss = twin.loss(y, target, case["head"])
    assert abs(loss.item() - case["loss"]["data"][0]) < 1e-5 * max(1, abs(loss.item()))
    loss.backward()
    ours = part(case, "gradient:")
    assert len(ours) == len(list(net.parameters()))
    for name, gradient in ours.items():
        assert_close(f"gradient of {name}", gradient, net.gradient(name))
    for name, moments in part(case, "moments:").items():
        assert_close(f"{name} after a training pass", moments, net.moments[name], 2e-5)


@pytest.mark.parametrize("key", KEYS)
def test_ten_steps_agree_with_torch(cases, key):
    case = cases[key]
    net, inputs, target = network(case)
    names = [name for name in part(case, "p:") if not name.endswith("/moments")]
    decays = set(case["decays"])
    assert decays == {name for name in names if name.endswith("/w") or "place" in name}
    groups = [{"params": [net[n] for n in names if (n in decays) == flag], "weight_decay": 0.1 * flag} for flag in (True, False)]
    optimiser = torch.optim.AdamW(groups, lr=0.005)
    net.train()
    silent = set()  # what adds a constant in front of a normalisation: AdamW makes steps of the rounding of its gradient 0
    rounding = {n: torch.zeros_like(net.value(n), dtype=torch.bool) for n in names}  # the same of single elements
    for step in range(10):
        optimiser.zero_grad()
        loss = twin.loss(net(**inputs), target, case["head"])
        assert abs(loss.item() - case["losses"]["data"][step]) < 1e-4 * max(1, abs(loss.item())), f"loss of step {step}"
        loss.backward()
        silent |= {n for n in names if net.gradient(n).abs().max() < 1e-9}
        for n in names:
            gradient = net.gradient(n)
            rounding[n] |= (gradient != 0) & (gradient.abs() < 1e-9)
        torch.nn.utils.clip_grad_norm_(list(net.parameters()), 0.5)
        optimiser.step()
    for name, ours in part(case, "after:").items():
        if name.endswith("/moments"):  # means move with the biases below, variances do not
            assert_close(f"{name} after ten steps", ours[1], net.moments[name][1], 1e-3)
        elif name not in silent:
            theirs = net.value(name)
            assert_close(f"{name} after ten steps", torch.where(rounding[name], theirs, ours), theirs, 1e-3)
    left_out = sum(int(rounding[n].sum()) for n in names if n not in silent)
    assert left_out <= 0.005 * sum(rounding[n].numel() for n in names), f"{left_out} elements are left out"
    assert len(silent) < len(names) / 3
