"""A file written by native/tensor/safetensors.c, read with nothing but struct, json and hashlib.

Needs the built test program: SALINA_BUILD names the build folder (default: build/release).
"""
import hashlib
import json
import os
import pathlib
import struct
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("SALINA_BUILD", ROOT / "build" / "release")) / "tests" / "test_safetensors"


@pytest.fixture
def raw(tmp_path):
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is not built")
    path = tmp_path / "example.safetensors"
    subprocess.run([PROGRAM, path], check=True)
    return path.read_bytes()


def test_safetensors_written_here_follow_the_format(raw):
    (length,) = struct.unpack("<Q", raw[:8])
    assert (8 + length) % 64 == 0
    header = json.loads(raw[8:8 + length].decode("utf-8"))
    metadata = header.pop("__metadata__")
    assert metadata["unit"] == 'g/kg "é"\n'
    assert set(header) == {"odd", "member0/weight", "b", "scalar", "empty"}
    data = raw[8 + length:]
    covered = sorted(tuple(e["data_offsets"]) for e in header.values())
    assert covered[0][0] == 0 and covered[-1][1] == len(data)
    assert all(a[1] == b[0] for a, b in zip(covered, covered[1:]))

    def values(name, code):
        begin, end = header[name]["data_offsets"]
        return struct.unpack(f"<{(end - begin) // struct.calcsize(code)}{code}", data[begin:end])

    assert header["member0/weight"]["shape"] == [2, 3] and header["member0/weight"]["dtype"] == "F32"
    assert values("member0/weight", "f") == (1, 2, 3, 4, 5, 6.5)
    assert values("b", "d") == (1e300, -0.1) and header["b"]["dtype"] == "F64"
    assert values("scalar", "q") == (-7,) and header["scalar"]["shape"] == []
    assert values("empty", "f") == ()


def test_the_seal_is_the_sha256_of_the_file_without_it(raw):
    (length,) = struct.unpack("<Q", raw[:8])
    digest = json.loads(raw[8:8 + length])["__metadata__"]["sha256"]
    assert raw.count(digest.encode()) == 1
    assert hashlib.sha256(raw.replace(digest.encode(), b"0" * 64)).hexdigest() == digest
