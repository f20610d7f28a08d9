"""What was counted of one launch: bytes, sectors, reuse and serial waits, scaled to the whole grid."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

SECTOR_BYTES = 32
"""What L1 asks of L2, and L2 of memory, in one piece."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Reread(_Model):
    """Sectors that a program touched again after it had touched about so many other bytes."""

    distance_bytes: int = Field(ge=0, le=1 << 60)
    """A power of two, rounded up; 0 within one access."""
    sectors: float = Field(ge=0)


class ArgumentTraffic(_Model):
    """What all programs of a launch did with one pointer argument."""

    load_bytes: float = Field(default=0.0, ge=0)
    """Bytes asked for by unmasked lanes; atomics count here and under `store_bytes`."""
    load_sectors: float = Field(default=0.0, ge=0)
    """32-byte sectors touched, counted once per warp-wide access."""
    store_bytes: float = Field(default=0.0, ge=0)
    store_sectors: float = Field(default=0.0, ge=0)
    first_sectors: float = Field(default=0.0, ge=0)
    """Sectors that a program loaded for the first time, summed over the programs."""
    rereads: list[Reread] = Field(default_factory=list)
    loaded_footprint: float = Field(default=0.0, ge=0)
    """Distinct bytes that the launch loads, in whole sectors."""
    stored_footprint: float = Field(default=0.0, ge=0)
    shared_by_neighbours: bool = False
    """Whether programs next to each other in launch order load the same sectors."""


class Traffic(_Model):
    """The count of one launch. Sums are over the whole grid; trips and operations are per program."""

    kernel: str
    grid: tuple[int, int, int]
    arguments: dict[str, ArgumentTraffic] = Field(default_factory=dict)
    round_trips: float = Field(default=0.0, ge=0)
    """Waits for memory that cannot overlap within one program: mean over the programs."""
    round_trips_max: float = Field(default=0.0, ge=0)
    """The same for the program that waits most among those sampled."""
    l1_trips: float = Field(default=0.0, ge=0)
    """Waits that the first-level cache serves, mean over the programs."""
    dot_flops: float = Field(default=0.0, ge=0)
    """Floating-point operations of tl.dot, all programs."""
    elementwise: float = Field(default=0.0, ge=0)
    """Elements through floating-point operations and memory accesses, all programs."""
    sampled: list[tuple[int, int, int]] = Field(default_factory=list)
    """The programs that were run."""
    complete: bool = True
    """False when the count was cut off or extrapolated from iterations that differ."""
    reason: str | None = None
    warnings: list[str] = Field(default_factory=list)

    @property
    def programs(self) -> int:
        """How many programs the grid has."""
        x, y, z = self.grid
        return x * y * z

    @property
    def usable(self) -> bool:
        """Whether at least one program was counted to its end."""
        return bool(self.sampled)
