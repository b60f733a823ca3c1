"""Which elements are open at a place in an HTML document (HTML Living Standard §13.2.6).

A model of the tree builder's stack, kept so that an end tag for each element
that may still be open can be written. Where a document is so badly nested that
the model may differ from a browser, more end tags are given than needed:
a browser ignores what doesn't apply.
"""

from __future__ import annotations

from collections import Counter


def named(names: str) -> frozenset[str]:
    """A set of names from their list."""
    return frozenset(names.split())


VOID = named(
    "area base basefont bgsound br col command embed frame hr image img input keygen link meta param source track wbr"
)
FORMATTING = named("a b big code em font i nobr s small strike strong tt u")
HEADINGS = named("h1 h2 h3 h4 h5 h6")
CELLS = named("td th caption")
ROW_GROUPS = named("tbody thead tfoot")
TABLE_PARTS = CELLS | ROW_GROUPS | {"tr", "colgroup"}
FOREIGN = named("svg math")
_INTEGRATION = named("foreignobject desc mi mo mn ms mtext annotation-xml")
_SCOPE = CELLS | _INTEGRATION | {"applet", "table", "marquee", "object", "select", "template"}
_SPECIAL = (
    HEADINGS
    | TABLE_PARTS
    | _SCOPE
    | named(
        "address article aside blockquote button center dd details dir div dl dt fieldset figcaption figure"
        " footer form header hgroup li listing main menu nav noscript ol p pre search section select summary ul"
    )
)
# A table closes a paragraph too, but not in quirks mode, as most mail is shown; an end tag too many does no harm.
_CLOSES_P = named(
    "address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer header hgroup"
    " main menu nav ol p search section summary ul h1 h2 h3 h4 h5 h6 pre listing form hr li dd dt"
)
_BREAKS_OUT = HEADINGS | named(
    "b big blockquote body br center code dd div dl dt em embed head hr i img li listing menu meta nobr ol p pre ruby s"
    " small span strong strike sub sup table tt u ul var"
)
_IMPLIED = named("p li dd dt tr td th tbody thead tfoot colgroup")
_HTML_SPECIAL = _SPECIAL - _INTEGRATION
_INTRICATE = FOREIGN | named("template object applet marquee select form")
"""What browsers treat so specially that crossed elements around it can't be followed."""
TREATED = _SPECIAL | FORMATTING | VOID | _CLOSES_P | _BREAKS_OUT | _INTRICATE | {"option", "optgroup"}
"""Elements whose tags do more here than to be opened and closed."""
_TABLE_MODE = TABLE_PARTS | {"table", "template"}
_TABLE_SCOPE = frozenset({"table", "template"})


class TreeError(Exception):
    """Too deep to be followed."""


MOST_WORK = 2_000_000
"""Tags times the elements open at each; mail has a tenth of it at most, and more would hold up other mail."""


class OpenElements:
    """The stack of open elements below body, innermost last.

    Names in capitals are elements that have no HTML meaning where they stand
    (``td`` within SVG, ``mi`` outside of MathML).
    """

    def __init__(self, depth: int = 480) -> None:
        # Browsers stop nesting at 512 elements; past that their stack is not ours.
        self.depth = depth
        self.work = 0
        self.form = False
        self.names: list[str] = []
        self.starts: list[int] = []
        self.foreign = False
        self.loose: Counter[str] = Counter()
        """Start tags of each name that no end tag closed in its turn, in order of the first."""
        self.misnested: Counter[str] = Counter()
        """Elements that were taken off the stack in another order than they were opened."""

    def push(self, name: str, start: int) -> None:
        if len(self.names) >= self.depth:
            raise TreeError(f"more than {self.depth} elements within each other")
        self.names.append(name)
        self.loose[name] += 1
        self.foreign = self.foreign or name in FOREIGN
        self.starts.append(start)

    def _spend(self) -> None:
        self.work += len(self.names)
        if self.work > MOST_WORK:
            raise TreeError("too many tags within too many elements")

    def misplaces_text(self) -> bool:
        """Whether an element that holds text would stand, or might, in SVG, MathML, select or template."""
        self._spend()
        if self.foreign and any(name in self.names for name in FOREIGN):
            return True
        if "select" in self.names or "template" in self.names:
            return True
        return bool(self.misnested) and (self.foreign or "select" in self.loose)

    # -- start tags ------------------------------------------------------------

    def start(self, name: str, offset: int, self_closing: bool) -> None:
        """Take in a start tag."""
        foreign = self.break_out(name)
        if foreign and name not in _BREAKS_OUT:
            if not self_closing:
                self.push(name if name in _INTEGRATION else name.upper(), offset)
            return
        if name in TABLE_PARTS and not self._in_table():
            return
        if name == "form" and "template" not in self.names:
            if self.form:
                return
            self.form = True
            if self._in_table_mode():
                return
        ended = name in ("select", "input", "textarea") and self._pop_scoped("select", _SCOPE - {"select"})
        if ended and name == "select":
            return
        if name == "template" and "template" in self.names:
            raise TreeError("templates within each other")
        if name in _INTEGRATION:
            name = name.upper()
        if name in _CLOSES_P:
            self._close_p()
        self._implied_ends(name)
        if name in VOID or (self_closing and name in FOREIGN):
            return
        if name in FORMATTING and name in ("a", "nobr") and name in self.names:
            self._end_formatting(name)
        self.push(name, offset)

    def break_out(self, name: str) -> bool:
        """Whether SVG or MathML takes the start tag in; what it doesn't take ends it."""
        self._spend()
        if not self._directly_foreign():
            return False
        if name in ("font", "form", "html"):
            raise TreeError(f"{name} element within SVG or MathML")
        if name not in _BREAKS_OUT:
            return True
        self._pop_to(max(i for i, n in enumerate(self.names) if n in FOREIGN))
        return False

    def _implied_ends(self, name: str) -> None:
        top = self.names[-1] if self.names else ""
        if name == "li":
            self._close_item(("li",))
        elif name in ("dd", "dt"):
            self._close_item(("dd", "dt"))
        elif (name in HEADINGS and top in HEADINGS) or (name in ("option", "optgroup") and top == "option"):
            if any(n in FORMATTING for n in self.misnested):
                return  # a reconstructed formatting element may stand on top in the browser's stack
            self._pop_to(len(self.names) - 1)
        elif name == "button":
            self._pop_scoped("button", _SCOPE)
        elif name in CELLS or name in ROW_GROUPS or name in ("tr", "colgroup", "table"):
            self._table_context(name)

    def _in_table(self) -> bool:
        return "table" in self.names or "template" in self.names

    def _in_table_mode(self) -> bool:
        """Whether a table, but no cell of it, is open."""
        for name in reversed(self.names):
            if name in _TABLE_MODE:
                return name not in CELLS and name != "template"
        return False

    def _table_context(self, name: str) -> None:
        """Close what a table part's start tag closes; in no table it closes nothing."""
        context = {"td": {"tr"}, "th": {"tr"}, "tr": ROW_GROUPS}.get(name, frozenset())
        for i in range(len(self.names) - 1, -1, -1):
            here = self.names[i]
            if here in ("template", "object", "applet", "marquee") or here in FOREIGN:
                return
            if name == "table" and here in CELLS:
                return
            if here == "table" or here in context:
                self._pop_to(i if name == "table" else i + 1)
                return

    def _close_p(self) -> None:
        self._pop_scoped("p", _SCOPE | {"button"})

    def _close_item(self, items: tuple[str, ...]) -> None:
        for i in range(len(self.names) - 1, -1, -1):
            here = self.names[i]
            if here in items:
                self._pop_to(i)
                return
            if here in _SPECIAL and here not in ("address", "div", "p"):
                return

    # -- end tags --------------------------------------------------------------

    def end(self, name: str) -> None:
        """Take in an end tag."""
        self._spend()
        if name in ("br", "p"):
            self.break_out(name)
        if name == "form" and "template" not in self.names:
            self._end_form()
        elif self.names and self.names[-1].lower() == name:
            self.loose[self.names.pop()] -= 1
            self.starts.pop()
        elif name.upper() in self.names and self._last(name.upper()) > self._last(name):
            self._end_foreign(name.upper())
        elif name in FORMATTING:
            self._end_formatting(name)
        elif name in HEADINGS:
            nearest = next((n for n in reversed(self.names) if n in HEADINGS or n in _SCOPE), "")
            if nearest in HEADINGS:
                self._pop_to(self._last(nearest))
        elif name == "table" or name in TABLE_PARTS:
            self._pop_scoped(name, _TABLE_SCOPE)
        elif name == "noscript":
            self._pop_scoped(name, _SPECIAL)
        elif name == "template":
            self._pop_scoped(name, frozenset())
        elif name == "select":
            self._pop_scoped(name, _SCOPE - {"select"})
        elif name in FOREIGN or name in _INTEGRATION:
            self._end_foreign(name)
        elif name in ("li", "p"):
            self._pop_scoped(name, _SCOPE | ({"button"} if name == "p" else {"ol", "ul"}))
        elif name in _SPECIAL or name == "dialog":
            self._pop_scoped(name, _SCOPE)
        else:
            self._pop_scoped(name, _SPECIAL)

    def _end_form(self) -> None:
        """Only the form itself leaves the stack; what is open in it stays.

        An end tag out of its scope makes the form one that nothing can close.
        """
        if not self.form:
            return
        self.form = False
        for i in range(len(self.names) - 1, -1, -1):
            if self.names[i] == "form":
                del self.names[i], self.starts[i]
                return
            if self.names[i] in _SCOPE and "form" in self.names:
                raise TreeError("a form can't be closed")

    def _end_foreign(self, name: str) -> None:
        top = self.names[-1] if self.names else ""
        inside = top in FOREIGN or top in _INTEGRATION or top.isupper()
        self._pop_scoped(name, _HTML_SPECIAL if inside else _HTML_SPECIAL | _INTEGRATION)

    def _last(self, name: str) -> int:
        return max((i for i, n in enumerate(self.names) if n == name), default=-1)

    def _end_formatting(self, name: str) -> None:
        """The adoption agency, as far as the stack goes."""
        for i in range(len(self.names) - 1, -1, -1):
            here = self.names[i]
            if here == name:
                above = self.names[i + 1 :]
                if not any(n in _SPECIAL for n in above):
                    self._pop_to(i)
                else:
                    del self.names[i], self.starts[i]
                self.misnested[name] += 1
                self.misnested.update(n for n in above if n in FORMATTING)
                return
            if here in _SCOPE:
                return

    def _pop_scoped(self, name: str, boundary: frozenset[str]) -> bool:
        for i in range(len(self.names) - 1, -1, -1):
            here = self.names[i]
            if here == name:
                self._pop_to(i)
                return True
            if here in boundary:
                return False
        return False

    def _pop_to(self, index: int) -> None:
        """Take off everything from ``index`` on; it counts as misnested unless its end may be left out."""
        if index >= len(self.names):
            return
        self.misnested.update(n for n in self.names[index + 1 :] if n not in _IMPLIED)
        if self.names[index] in FORMATTING:
            self.misnested[self.names[index]] += 1
        del self.names[index:], self.starts[index:]

    def _directly_foreign(self) -> bool:
        if not self.foreign:
            return False
        for name in reversed(self.names):
            if name in FOREIGN:
                return True
            if name in _INTEGRATION:
                return False
        return False

    # -- the result ------------------------------------------------------------

    def closers(self, most_octets: int = 8192) -> str:
        """End tags that leave nothing open but body, whatever a browser made of the nesting."""
        closing = [f"</{name}>" for name in reversed(self.names)]
        if self.misnested:
            intricate = next((n for n in self.loose if n in _INTRICATE), "")
            if intricate:
                raise TreeError(f"elements cross each other in a document with a {intricate} element")
            # A browser may have them open in another order: every name, as often as it may be open, several times.
            again = [f"</{n}>" * (1 + count) for n, count in reversed(self.loose.items()) if n not in FORMATTING]
            closing = closing + again * (3 + self.loose["table"]) + closing
        # Formatting elements go on after what they stand in is closed, until each has its own end tag.
        closing += [f"</{n}>" * (1 + count) for n, count in self.loose.items() if count and n in FORMATTING]
        text = "".join(closing)
        if len(text) > most_octets:
            raise TreeError("too many elements are left open or cross each other")
        return text
