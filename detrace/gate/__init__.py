"""The regression gate: head against its base in one job, or against stored ratios to frozen controls (docs/gate.md)."""
