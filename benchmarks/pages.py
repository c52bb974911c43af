"""A measured table in Markdown, and where it stands in the pages."""

import re
import sys

from keras_ssl.files import written_aside


def row(cells):
    """A line of a table: str."""
    return f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in cells)}|"


def paper(identifier):
    """A link to arXiv, or what is no number of a paper there as it is: str."""
    is_number = re.fullmatch(r"\d{4}\.\d{4,5}", identifier)
    return f"[{identifier}](https://arxiv.org/abs/{identifier})" if is_number else identifier


def write_table(table, pages, markers):
    """Puts the table between the marks of each page, aside and then renamed."""
    for page, text in with_table(table, pages, markers).items():
        with written_aside(page) as aside:
            aside.write_text(text)


def with_table(table, pages, markers):
    """The text of each page with the table between the two marks: dict from path to str."""
    texts, (start, end) = {}, markers
    for page in pages:
        text = page.read_text() if page.exists() else ""
        before, _, rest = text.partition(start)
        _, _, after = rest.partition(end)
        if (text.count(start), text.count(end), rest.count(end)) != (1, 1, 1):
            sys.exit(f"{page} must have the marks {start} and {end}, each once and in this order")
        texts[page] = f"{before}{start}\n\n{table}\n\n{end}{after}"
    return texts
