"""What a report cites, as BibTeX."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

# A sentence, or more, for the methods paragraph, and the keys of what it cites.
Method: TypeAlias = tuple[str, tuple[str, ...]]

# Key → type of the entry and its fields.
_ENTRIES: dict[str, tuple[str, dict[str, str]]] = {
    "tishby1999": (
        "inproceedings",
        {
            "author": "Tishby, Naftali and Pereira, Fernando C. and Bialek, William",
            "title": "The information bottleneck method",
            "booktitle": "37th Annual Allerton Conference on Communication, Control and Computing",
            "year": "1999",
            "eprint": "physics/0004057",
        },
    ),
    "harremoes2007": (
        "inproceedings",
        {
            "author": 'Harremo{\\"e}s, Peter and Tishby, Naftali',
            "title": "The information bottleneck revisited or how to choose a good distortion "
            "measure",
            "booktitle": "IEEE International Symposium on Information Theory",
            "pages": "566--570",
            "year": "2007",
            "doi": "10.1109/ISIT.2007.4557285",
        },
    ),
    "chechik2005": (
        "article",
        {
            "author": "Chechik, Gal and Globerson, Amir and Tishby, Naftali and Weiss, Yair",
            "title": "Information bottleneck for {Gaussian} variables",
            "journal": "Journal of Machine Learning Research",
            "volume": "6",
            "pages": "165--188",
            "year": "2005",
        },
    ),
    "ledoit2004": (
        "article",
        {
            "author": "Ledoit, Olivier and Wolf, Michael",
            "title": "A well-conditioned estimator for large-dimensional covariance matrices",
            "journal": "Journal of Multivariate Analysis",
            "volume": "88",
            "number": "2",
            "pages": "365--411",
            "year": "2004",
            "doi": "10.1016/S0047-259X(03)00096-4",
        },
    ),
    "guo2017": (
        "inproceedings",
        {
            "author": "Guo, Chuan and Pleiss, Geoff and Sun, Yu and Weinberger, Kilian Q.",
            "title": "On calibration of modern neural networks",
            "booktitle": "Proceedings of the 34th International Conference on Machine Learning",
            "series": "Proceedings of Machine Learning Research",
            "volume": "70",
            "pages": "1321--1330",
            "year": "2017",
            "eprint": "1706.04599",
        },
    ),
    "papyan2020": (
        "article",
        {
            "author": "Papyan, Vardan and Han, X. Y. and Donoho, David L.",
            "title": "Prevalence of neural collapse during the terminal phase of deep learning "
            "training",
            "journal": "Proceedings of the National Academy of Sciences",
            "volume": "117",
            "number": "40",
            "pages": "24652--24663",
            "year": "2020",
            "doi": "10.1073/pnas.2015509117",
        },
    ),
    "galanti2022": (
        "inproceedings",
        {
            "author": "Galanti, Tomer and Gy{\\\"o}rgy, Andr{\\'a}s and Hutter, Marcus",
            "title": "On the role of neural collapse in transfer learning",
            "booktitle": "International Conference on Learning Representations",
            "year": "2022",
            "eprint": "2112.15121",
        },
    ),
    "behnia2024": (
        "inproceedings",
        {
            "author": "Behnia, Tina and Thrampoulidis, Christos",
            "title": "Supervised contrastive representation learning: landscape analysis with "
            "unconstrained features",
            "booktitle": "IEEE International Symposium on Information Theory",
            "pages": "575--580",
            "year": "2024",
            "doi": "10.1109/ISIT57864.2024.10619192",
            "eprint": "2402.18884",
        },
    ),
    "thrampoulidis2022": (
        "inproceedings",
        {
            "author": "Thrampoulidis, Christos and Kini, Ganesh R. and Vakilian, Vala and Behnia, "
            "Tina",
            "title": "Imbalance trouble: revisiting neural-collapse geometry",
            "booktitle": "Advances in Neural Information Processing Systems",
            "year": "2022",
            "eprint": "2208.05512",
        },
    ),
    "graf2021": (
        "inproceedings",
        {
            "author": "Graf, Florian and Hofer, Christoph D. and Niethammer, Marc and Kwitt, "
            "Roland",
            "title": "Dissecting supervised contrastive learning",
            "booktitle": "International Conference on Machine Learning",
            "year": "2021",
            "eprint": "2102.08817",
        },
    ),
    "efron1979": (
        "article",
        {
            "author": "Efron, Bradley",
            "title": "Bootstrap methods: another look at the jackknife",
            "journal": "The Annals of Statistics",
            "volume": "7",
            "number": "1",
            "pages": "1--26",
            "year": "1979",
            "doi": "10.1214/aos/1176344552",
        },
    ),
    "roeder2021": (
        "inproceedings",
        {
            "author": "Roeder, Geoffrey and Metz, Luke and Kingma, Diederik P.",
            "title": "On linear identifiability of learned representations",
            "booktitle": "International Conference on Machine Learning",
            "year": "2021",
            "eprint": "2007.00810",
        },
    ),
    "kornblith2019": (
        "inproceedings",
        {
            "author": "Kornblith, Simon and Norouzi, Mohammad and Lee, Honglak and Hinton, "
            "Geoffrey",
            "title": "Similarity of neural network representations revisited",
            "booktitle": "International Conference on Machine Learning",
            "year": "2019",
            "eprint": "1905.00414",
        },
    ),
    "gower1975": (
        "article",
        {
            "author": "Gower, J. C.",
            "title": "Generalized {Procrustes} analysis",
            "journal": "Psychometrika",
            "volume": "40",
            "pages": "33--51",
            "year": "1975",
            "doi": "10.1007/BF02291478",
        },
    ),
    "song2024": (
        "inproceedings",
        {
            "author": "Song, Kun and Tan, Zhiquan and Zou, Bochao and Ma, Huimin and Huang, Weiran",
            "title": "Unveiling the dynamics of information interplay in supervised learning",
            "booktitle": "International Conference on Machine Learning",
            "year": "2024",
            "eprint": "2406.03999",
        },
    ),
    "garrido2023": (
        "inproceedings",
        {
            "author": "Garrido, Quentin and Balestriero, Randall and Najman, Laurent and LeCun, "
            "Yann",
            "title": "{RankMe}: assessing the downstream performance of pretrained self-supervised "
            "representations by their rank",
            "booktitle": "International Conference on Machine Learning",
            "year": "2023",
            "eprint": "2210.02885",
        },
    ),
    "thilak2023": (
        "misc",
        {
            "author": "Thilak, Vimal and Huang, Chen and Saremi, Omid and Dinh, Laurent and Goh, "
            "Hanlin and Nakkiran, Preetum and Susskind, Joshua M. and Littwin, Etai",
            "title": "{LiDAR}: sensing linear probing performance in joint embedding {SSL} "
            "architectures",
            "year": "2023",
            "eprint": "2312.04000",
        },
    ),
}


def write_methods(methods: Iterable[Method]) -> tuple[str, str]:
    """The paragraph of `methods`, each once, and the BibTeX of everything that they cite."""
    parts = list(dict.fromkeys(methods))
    keys = list(dict.fromkeys(key for _, cited in parts for key in cited))
    return " ".join(text for text, _ in parts), bibtex(keys)


def bibtex(keys: Sequence[str]) -> str:
    """The BibTeX entries of `keys`, in their order; `KeyError` on one that is not known."""
    return "\n\n".join(_entry(key) for key in keys)


def _entry(key: str) -> str:
    kind, fields = _ENTRIES[key]
    if "eprint" in fields:
        fields = {**fields, "archiveprefix": "arXiv"}
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items()]
    return ",\n".join([f"@{kind}{{{key}", *lines]) + "\n}"
