"""One launch of a Triton kernel as a recorder saw it, on a card or offline."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from .evaluation import Scalar


class TensorArgument(BaseModel):
    """A tensor that was handed to a kernel."""

    model_config = ConfigDict(extra="forbid")
    dtype: str
    """``float32``, as torch prints it without the prefix."""
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    storage: int
    """Equal for tensors that share memory."""
    offset_bytes: int = 0


class Launch(BaseModel):
    """One launch: what ran, on which grid, compiled how."""

    model_config = ConfigDict(extra="forbid")
    kernel: str
    grid: tuple[int, int, int]
    num_warps: int
    num_stages: int
    num_ctas: int = 1
    """Blocks per program (a cluster) when it is more than one."""
    cooperative: bool = False
    """Launched as one grid whose programs must all be resident at once."""
    constants: dict[str, Scalar] = Field(default_factory=dict)
    """Values of the tl.constexpr parameters."""
    arguments: dict[str, TensorArgument | int | float | bool | None] = Field(default_factory=dict)
    """The other parameters, by name."""
    registers: int | None = None
    """Registers per thread."""
    spill_bytes: int | None = None
    """Local memory per thread that spilled registers take."""
    shared_bytes: int | None = None
    """Shared memory per program, static and dynamic."""

    @property
    def programs(self) -> int:
        """How many programs the grid has."""
        x, y, z = self.grid
        return x * y * z
