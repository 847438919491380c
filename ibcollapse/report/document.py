"""What a report is made of: plain words, tables and pictures, without a word about their look."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of cells that are already text.

    Attributes
    ----------
    columns : tuple of str
        Names, with their units.
    rows : tuple of tuple of str
        As long as `columns`, each.
    caption : str
        What the numbers are.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


@dataclasses.dataclass(frozen=True)
class Picture:
    """A figure as an SVG element.

    Attributes
    ----------
    svg : str
        As `render_svg` gives it.
    caption : str
        What is to be seen.
    wide : bool
        Whether it needs the full width of the page; else two stand side by side.
    """

    svg: str
    caption: str
    wide: bool = False


@dataclasses.dataclass(frozen=True)
class Section:
    """One part of a report, shown as: text, warnings, pictures, tables.

    Attributes
    ----------
    title : str
        Heading; the address of the section is made from it.
    text : tuple of str
        Paragraphs of plain text.
    warnings : tuple of str
        What a reader must know before trusting the numbers of this section.
    pictures : tuple of Picture
    tables : tuple of Table
    """

    title: str
    text: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclasses.dataclass(frozen=True)
class Report:
    """A whole report.

    Attributes
    ----------
    title : str
        Heading of the page.
    headline : tuple of str
        The result in plain words with its numbers, a sentence each.
    sections : tuple of Section
    analysed : tuple of (str, str)
        Name and value of what was analysed and with which options.
    methods : str
        A paragraph that a paper can use.
    bibtex : str
        The entries that `methods` cites.
    """

    title: str
    headline: tuple[str, ...]
    sections: tuple[Section, ...]
    analysed: tuple[tuple[str, str], ...] = ()
    methods: str = ""
    bibtex: str = ""
