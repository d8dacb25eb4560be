"""What operators are told of the bundle that is served."""

from __future__ import annotations

from dataclasses import dataclass

from vitrina.errors import BundleError


@dataclass(frozen=True)
class BundleStatus:
    """What is known of the bundle that is served, for operators.

    Attributes:
        version: Of what answers; None where nothing does.
        trouble: Why that is not what `bundles/active` names; None where it is.
        switches: How often another bundle was taken since the server began.
        failures: How often one could not be.
        is_cold: Whether it is not in memory, and the next photo has it loaded.
    """

    version: str | None
    trouble: BundleError | None
    switches: int
    failures: int
    is_cold: bool = False

    def told(self) -> dict[str, str | None]:
        """What `/readyz` says of a server that answers photos."""
        if self.is_cold:
            return {"status": "cold", "version": None}
        if self.trouble is None:
            return {"status": "ready", "version": self.version}
        return {
            "status": "degraded",
            "version": self.version,
            "code": self.trouble.code,
            "detail": self.trouble.message,
            "hint": self.trouble.hint,
        }
