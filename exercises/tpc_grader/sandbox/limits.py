"""What a grading job may use."""

from __future__ import annotations

from dataclasses import dataclass

from tpc_kernels.box.limits import Limits as BoxLimits


@dataclass(frozen=True)
class Limits:
    """What a grading job may use. Seconds are wall-clock time."""

    cell_seconds: float = 60
    total_seconds: float = 300
    memory_bytes: int = 2 * 2**30
    processes: int = 256
    tmp_bytes: int = 128 * 2**20
    file_bytes: int = 64 * 2**20
    output_cell_bytes: int = 512 * 2**10
    output_total_bytes: int = 2 * 2**20
    outputs_per_cell: int = 60
    outputs: int = 1000
    html_tags: int = 20_000

    def of_processes(self) -> BoxLimits:
        """Return those that the kernel keeps for the processes of the job."""
        return BoxLimits(
            memory_bytes=self.memory_bytes,
            processes=self.processes,
            cpus=1,
            cpu_seconds=int(self.total_seconds) + 5,
            file_bytes=self.file_bytes,
            open_files=256,
        )
