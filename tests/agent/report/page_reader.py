"""Read a report back: its elements, texts and tables, with a strict eye on nesting."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "input", "link", "img", "hr"}


@dataclass
class Element:
    """An HTML element."""

    tag: str
    attributes: dict[str, str]
    children: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    @property
    def words(self) -> str:
        return " ".join(self.text.split())

    def walk(self):
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    def find(self, tag: str = "", class_: str = "", id_: str = "") -> list["Element"]:
        return [
            element
            for element in self.walk()
            if (not tag or element.tag == tag)
            and (not class_ or class_ in element.attributes.get("class", "").split())
            and (not id_ or element.attributes.get("id") == id_)
        ]

    def one(self, tag: str = "", class_: str = "", id_: str = "") -> "Element":
        (found,) = self.find(tag, class_, id_)
        return found

    def rows(self) -> list[dict[str, str]]:
        """Rows of the first table inside, by column name."""
        table = self.find("table")[0]
        names = [cell.words for cell in table.one("thead").find("th")]
        body = table.one("tbody").find("tr")
        cells = [[cell.words for cell in row.children if isinstance(cell, Element)] for row in body]
        return [dict(zip(names, row, strict=True)) for row in cells]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("root", {})
        self.open = [self.root]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag):
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data):
        self.open[-1].children.append(data)


def read_page(html: str) -> Element:
    """Parse a page; every element that is opened must be closed in its place."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    assert parser.open == [parser.root], [element.tag for element in parser.open]
    return parser.root
