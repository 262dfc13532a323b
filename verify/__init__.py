"""The laws: one module a family. Contracts first, then theorems."""
