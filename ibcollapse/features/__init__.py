"""Feature files: layouts accepted, chunked reading, writer."""

from ibcollapse.features.opening import Features, open_features
from ibcollapse.features.source import Classifier, FeatureContents, FeatureSource
from ibcollapse.features.writer import FeatureWriter

__all__ = [
    "Classifier",
    "FeatureContents",
    "FeatureSource",
    "FeatureWriter",
    "Features",
    "open_features",
]
