"""SVG elements made fit to stand together in one HTML page."""

import xml.etree.ElementTree as ET

from markupsafe import Markup

from ibcollapse.errors import InputError

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_HREF = (f"{{{_XLINK}}}href", "href")
_ACTIVE = ("script", "foreignObject", "iframe", "a", "animate", "set")
_LARGEST = 1.25
_EMBEDDED = "data:image/png;base64,"

ET.register_namespace("", _SVG)
ET.register_namespace("xlink", _XLINK)


def inline_svg(svg: str, *, prefix: str, label: str) -> Markup:
    """The SVG element `svg` with `prefix` before all its ids and `label` for screen readers.

    Two matplotlib figures use the same ids; without the prefix the second would borrow the clip
    paths and markers of the first.

    Raises
    ------
    InputError
        When `svg` is not one well-formed <svg> element, or contains anything that could run or
        that refers outside itself.
    """
    try:
        root = ET.fromstring(svg)
    except ET.ParseError as error:
        raise InputError(f"picture {prefix!r} is not a well-formed SVG element: {error}") from error
    if root.tag != f"{{{_SVG}}}svg":
        raise InputError(f"picture {prefix!r} is a <{root.tag}>, expected an <svg> element")
    for element in root.iter():
        _refuse_active(element, prefix)
        for name, value in element.attrib.items():
            element.set(name, _renamed(name, value, prefix))
    root.set("role", "img")
    if "viewBox" in root.attrib:
        # As wide as its place, but not so wide that its letters tower over the text.
        root.set("style", f"max-width: {_LARGEST * float(root.attrib['viewBox'].split()[2]):.0f}pt")
    root.set("aria-label", label)
    return Markup(ET.tostring(root, encoding="unicode"))


def _refuse_active(element: ET.Element, picture: str) -> None:
    tag = element.tag.rpartition("}")[2]
    if tag in _ACTIVE:
        raise InputError(f"picture {picture!r} contains <{tag}>; a report holds drawings only")
    for name, value in element.attrib.items():
        inside = value.startswith(("#", _EMBEDDED) if tag == "image" else "#")
        outside = name in _HREF and not inside
        if name.startswith("on") or outside or "url(" in value.replace("url(#", ""):
            raise InputError(f"picture {picture!r}: {name}={value!r} leads outside the drawing")


def _renamed(name: str, value: str, prefix: str) -> str:
    if name == "id":
        return f"{prefix}-{value}"
    if name in _HREF and value.startswith("#"):
        return f"#{prefix}-{value[1:]}"
    return value.replace("url(#", f"url(#{prefix}-")
