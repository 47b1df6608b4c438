"""GPUs that are not there: what XLA must know of them to compile, and what a prediction takes."""

import dataclasses
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.experimental import topologies


@dataclasses.dataclass(frozen=True)
class Target:
    """A GPU, by the numbers of its data sheet.

    Attributes:
      kind: Its name for JAX.
      capability: Major and minor compute capability.
      cores: Streaming multiprocessors.
      lanes: Float32 units of each.
      clock_ghz: Of those.
      bandwidth: Bytes per second of its memory.
      cache: Bytes of the second level.
      memory: Bytes.
      shared: Most bytes of shared memory of a program.
      options: Of XLA, which a user of this GPU is told to set.
    """

    kind: str
    capability: tuple[int, int]
    cores: int
    lanes: int
    clock_ghz: float
    bandwidth: float
    cache: int
    memory: int
    shared: int
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def config(self) -> str:
        """The text from which XLA makes a target without a device."""
        major, minor = self.capability
        minor_field = f" minor: {minor}" if minor else ""
        return f"""gpu_device_info {{
  threads_per_block_limit: 1024
  threads_per_warp: 32
  shared_memory_per_block: 49152
  shared_memory_per_core: {self.shared + 1024}
  threads_per_core_limit: 2048
  core_count: {self.cores}
  fpus_per_core: {self.lanes}
  block_dim_limit_x: 2147483647
  block_dim_limit_y: 65535
  block_dim_limit_z: 65535
  memory_bandwidth: {int(self.bandwidth)}
  l2_cache_size: {self.cache}
  clock_rate_ghz: {self.clock_ghz}
  device_memory_size: {self.memory}
  shared_memory_per_block_optin: {self.shared}
  cuda_compute_capability {{ major: {major}{minor_field} }}
  registers_per_core_limit: 65536
  registers_per_block_limit: 65536
}}
platform_name: "CUDA"
dnn_version_info {{ major: 9 minor: 10 }}
device_description_str: "{self.kind}"
"""

    def mesh(self, count: int) -> jax.sharding.Mesh:
        """A mesh ``"batch"`` of so many of them, with automatic axes."""
        topology = topologies.get_topology_desc(
            platform="cuda",
            topology_name=self.kind,
            topology=f"1x1x{count}",
            target_config=self.config(),
        )
        kinds = (jax.sharding.AxisType.Auto,)
        return jax.sharding.Mesh(np.array(topology.devices), ("batch",), axis_types=kinds)

    def device(self) -> Any:
        """What JAX and `jslayer.ops.engines.select.unfit` ask of a device."""
        major, minor = self.capability
        kind = type(
            "Device", (jax.sharding.AbstractDevice,), {"compute_capability": f"{major}.{minor}"}
        )
        return kind(device_kind=self.kind, num_cores=self.cores, platform="gpu")

    def context(self) -> Any:
        """Inside of it, Pallas lowers for this GPU."""
        mesh = jax.sharding.AbstractMesh((), (), abstract_device=self.device())
        return jax.sharding.use_abstract_mesh(mesh)


MIB, GIB = 1 << 20, 1 << 30
TARGETS = {
    "sm_80": Target(
        "NVIDIA A100-SXM4-80GB",
        (8, 0),
        108,
        64,
        1.41,
        2.039e12,
        40 * MIB,
        80 * GIB,
        166912,
        # as for later GPUs; here XLA would turn the images of every float32 convolution
        {"xla_gpu_force_conv_nhwc": True},
    ),
    "sm_90": Target(
        "NVIDIA H100 80GB HBM3", (9, 0), 132, 128, 1.98, 3.352e12, 50 * MIB, 79 * GIB, 232448
    ),
    "sm_100": Target("NVIDIA B200", (10, 0), 148, 128, 1.965, 7.7e12, 126 * MIB, 178 * GIB, 232448),
}
"""By the name of what the assembler writes for."""


@dataclasses.dataclass(frozen=True)
class Assembled:
    """What the assembler says of one kernel: registers of a thread, spilt bytes, its threads."""

    name: str
    registers: int
    spilt: int
    threads: int

    @property
    def occupancy(self) -> float:
        """Share of a multiprocessor's 64 warps that its registers let run."""
        warps = -(-self.threads // 32)
        each = -(-self.registers * 32 // 256) * 256  # a warp gets registers by the 256
        programs = min(65536 // each // warps, 64 // warps, 32)
        return programs * warps / 64


def compile_kept(lowered: Any, folder: Path, options: Mapping[str, Any] | None = None) -> Any:
    """Compiles, and leaves the PTX of what XLA makes in a folder, as Mosaic does with its own."""
    kept = {**(options or {}), "xla_dump_to": str(folder), "xla_dump_emitter_re": "^ptx$"}
    return lowered.compile(compiler_options=kept)


def assemble(folder: Path, ptxas: Path) -> list[Assembled]:
    """Assembles all PTX of a folder, which is emptied.

    Raises:
      RuntimeError: The assembler refuses it.
    """
    found = {}
    for path in sorted(folder.glob("*.ptx")):
        text = path.read_text()
        if not text:  # JAX 0.10 leaves one for constants that there are none of
            continue
        arch = re.search(r"\.target (\w+)", text)[1]
        command = [str(ptxas), "-v", f"-arch={arch}", "-o", "/dev/null", str(path)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"the assembler refuses {path.name}: {done.stderr[:200]}")
        threads = dict(re.findall(r"\.entry (\w+)\([^{]*?\.(?:reqntid|maxntid) (\d+)", text, re.S))
        pattern = r"Compiling entry function '(\w+)'.*?(\d+) bytes spill stores.*?Used (\d+) regis"
        for name, spilt, registers in re.findall(pattern, done.stderr, re.S):
            found[name] = Assembled(name, int(registers), int(spilt), int(threads.get(name, 128)))
    for path in folder.iterdir():
        path.unlink()
    return list(found.values())
