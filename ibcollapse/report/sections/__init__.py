"""The sections of a report, a module each, named here in the order of the page.

A module of this list declares a `SECTION`: how it is headed, which results it shows, how they are
measured, and what writes it. A new section is such a module and its name below. Nothing else is
imported here: the command line needs the names for its help.
"""

SECTIONS = ("curve", "channel", "gaussian", "geometry", "alignment", "information", "dynamics")
