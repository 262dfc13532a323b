"""TeX to MathML that browsers draw well, and docstrings to paragraphs. Every character that comes in is escaped.

latex2mathml makes the element tree; its own serialiser leaves ``<`` in text as it is, so the tree is written out here,
from a list of known elements, with the few repairs that MathML Core needs.
"""

from __future__ import annotations

import re
from functools import cache
from html import unescape
from itertools import zip_longest
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element
from markupsafe import Markup, escape

_ELEMENTS = """math mrow mi mo mn mtext mspace msub msup msubsup munder mover munderover mfrac msqrt mroot mtable mtr
    mtd mstyle mpadded mphantom mmultiscripts mprescripts none menclose"""
_ATTRIBUTES = """display displaystyle scriptlevel stretchy fence form minsize maxsize lspace rspace width height depth
    voffset linethickness accent accentunder movablelimits mathvariant"""
ELEMENTS, ATTRIBUTES = frozenset(_ELEMENTS.split()), frozenset(_ATTRIBUTES.split())
OPERATORS = frozenset("⟨⟩|∼⟹⟺⨁⨂≔∥")
"""Symbols that latex2mathml takes for identifiers, without the space or the form that an operator has."""
LIMITS = frozenset(["max", "min", "sup", "inf", "lim", "argmin", "argmax", "arg min", "arg max", *"∑∏⨁⨂"])
"""What limits go under and over in display style; inside fractions and exponents browsers put them beside."""
UNDER = {"msub": "munder", "msubsup": "munderover"}
ACCENTS = frozenset("^~¯˙¨ˇ˘→̂̃")
SPACES = {"negativethinmathspace": "-0.167em", "thinmathspace": "0.167em", "mediummathspace": "0.222em"}
THIN = '<mspace width=".17em"/>'
MACROS = {r"\arg": r"\operatorname{arg}", r"\sim": "∼", r"\coloneqq": "≔", r"\colon": ":"}
_MACRO = re.compile(r"\\[A-Za-z]+")


@cache
def formula(tex: str, block: bool = False) -> Markup:
    """MathML of a TeX formula; the TeX itself in ``<code>`` where a macro is unknown."""
    source = _MACRO.sub(lambda m: MACROS.get(m[0], m[0]), tex)
    try:
        root = convert_to_element(source, display="block" if block else "inline")
        return Markup(_write(root, block))
    except Exception:  # latex2mathml raises whatever a malformed formula leads it to
        return Markup("<code>") + escape(tex) + Markup("</code>")


def _write(e: Element, block: bool, following: Element | None = None) -> str:
    tag, text = e.tag, unescape(e.text or "")
    if tag not in ELEMENTS or re.match(r"\\\w", text):
        raise ValueError(f"no MathML for {text or tag}")
    children = list(e)
    attributes = {k: v for k, v in e.attrib.items() if k in ATTRIBUTES and v}
    if tag in ("mi", "mo") and not children:
        tag, attributes = _leaf(tag, text, attributes)
    if tag == "mspace":
        attributes["width"] = SPACES.get(attributes.get("width", ""), attributes.get("width", "0"))
    if block and tag in UNDER and children and _plain(children[0]) in LIMITS:
        tag = UNDER[tag]
    if tag == "mover" and len(children) == 2 and _plain(children[1]) in ACCENTS:
        attributes["accent"] = "true"
    if tag == "mtd" and e.attrib.get("columnalign") == "left":
        attributes["class"] = "l"
    body = str(escape(text)) + "".join(
        _write(c, block, n) for c, n in zip_longest(children, children[1:]) if c is not None
    )
    if tag == "mrow" and len(children) == 1 and not attributes:
        return body
    if tag == "math" and attributes.get("display") == "inline":
        attributes.pop("display")
    out = f"<{tag}" + "".join(f' {k}="{escape(v)}"' for k, v in attributes.items()) + f">{body}</{tag}>"
    named = children[0] if tag in ("munder", "munderover", "msub", "msup") and children else e
    if _is_name(named) and following is not None and _plain(following)[:1] not in ("", "(", "[", ")", "]", ",", "="):
        out += THIN
    return out


def _leaf(tag: str, text: str, attributes: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Symbols that are operators become operators, names such as ``tr`` and ``log`` become identifiers."""
    if text in OPERATORS:
        kept = {k: v for k, v in attributes.items() if k != "mathvariant"}
        return "mo", {"stretchy": "false", **kept} if text in "⟨⟩|∥" else kept
    if text.isalpha() and len(text) > 1:
        return "mi", {}
    return tag, attributes


def _is_name(e: Element) -> bool:
    text = unescape(e.text or "")
    return e.tag in ("mi", "mo") and len(text) > 1 and text.isascii() and text.isalpha()


def _plain(e: Element) -> str:
    return unescape("".join(e.itertext())).strip()


_INLINE = re.compile(r"``?([^`]+)``?|\$([^$\n]+)\$|(Bound:|Undecided\b|Corrected:)")
_RAISED = re.compile(r"\^(?:\{([^{}]*)\}|\(([^()]*)\)|([-−]?(?:\d+|[^\W\d_]))(?![^\W_]))")
_LOWERED = re.compile(r"(?:(?<![\w)\]])([^\W\d_]\w?)|(?<=[‖∥|)\]])())_(?:\{([^{}]*)\}|([^\W_]{1,3})(?!\w))")


@cache
def prose(text: str) -> Markup:
    """A docstring as paragraphs: back-quotes become code, ``$…$`` formulas, ``Bound:`` is set off."""
    paragraphs = [" ".join(p.split()) for p in re.split(r"\n\s*\n", text.strip()) if p.strip()]
    return Markup("").join(Markup("<p>") + inline(p) + Markup("</p>") for p in paragraphs)


def inline(text: str) -> Markup:
    """One line of prose with its code and formulas."""
    out, at = Markup(""), 0
    for m in _INLINE.finditer(text):
        out += raised(text[at : m.start()])
        code, tex, word = m.groups()
        if code is not None:
            out += Markup("<code>") + escape(code) + Markup("</code>")
        elif tex is not None:
            out += formula(tex)
        else:
            out += Markup("<b>") + escape(word) + Markup("</b>")
        at = m.end()
    return out + raised(text[at:])


def raised(text: str) -> Markup:
    """``e^{tr A}`` and ``‖A‖_F`` of running text with their exponents raised and their indices lowered."""
    safe = _RAISED.sub(lambda m: f"<sup>{next(g for g in m.groups() if g is not None)}</sup>", str(escape(text)))
    return Markup(_LOWERED.sub(lambda m: f"{m[1] or ''}<sub>{m[3] if m[3] is not None else m[4]}</sub>", safe))


def breakable(name: str) -> Markup:
    """A long identifier that may wrap after its underscores and dots."""
    return Markup(re.sub(r"([_./])(?=\w)", r"\1<wbr>", str(escape(name))))
