"""Formulas in TeX as they are said: signs instead of commands, and no braces."""

from __future__ import annotations

import re

_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_ROOT = re.compile(r"\\sqrt\s*\{([^{}]*)\}")
_DRESSED = re.compile(r"\\(?:text|mathrm|mathbf|mathit|operatorname|boxed)\s*\{([^{}]*)\}")
_SIGNS = {"times": "×", "cdot": "×", "div": "÷", "pm": "±", "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥", "neq": "≠"}
_SIGNS |= {"approx": "≈", "infty": "∞", "to": ", ", "rightarrow": ", ", "quad": " ", "degree": "°", "circ": "°"}
_COMMAND = re.compile(r"\\([a-zA-Z]+|.)")


def said_formula(source: str) -> str:
    """What stands between dollars, without its commands; long ones are said badly, as formulas are."""
    for pattern, said in ((_DRESSED, r"\1"), (_ROOT, r"√\1"), (_FRACTION, r"\1/\2")):
        source = pattern.sub(said, source)
    source = _COMMAND.sub(lambda found: _SIGNS.get(found[1], f" {found[1]} " if found[1].isalpha() else " "), source)
    return source.translate({ord("{"): None, ord("}"): None, ord("&"): " "}).strip()
