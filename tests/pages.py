"""What tests ask of HTML: well-formed, nothing that runs, nothing that is loaded."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"br", "col", "img", "meta", "input", "link", "hr", "source"}


class Page(HTMLParser):
    """HTML, taken apart.

    Attributes
    ----------
    text : str
        All that is to be read, without the look.
    tags : list of (str, dict)
        The elements in their order, with their attributes.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.style = ""
        self._texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"left open: {self._open}"
        self.text = "".join(self._texts)
        self._check_that_nothing_runs()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data):
        if self._open[-1:] == ["style"]:
            self.style += data
        else:
            self._texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def _check_that_nothing_runs(self) -> None:
        for tag, attributes in self.tags:
            assert tag not in {"script", "iframe", "object", "embed", "link", "base", "form"}
            for name, value in attributes.items():
                assert not name.startswith("on"), f"<{tag} {name}>"
                if name in {"src", "href", "xlink:href", "srcset", "data", "action"}:
                    assert (value or "").startswith(("data:image/", "#")), f"<{tag} {name}={value}>"
        assert "url(" not in self.style
        assert "@import" not in self.style
