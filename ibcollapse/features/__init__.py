"""Feature files: layouts accepted, chunked reading, writer."""

from ibcollapse.features.inspection import ChosenFeatures, FeatureInspection, inspect_features
from ibcollapse.features.opening import Features, open_features
from ibcollapse.features.source import Classifier, FeatureContents, FeatureSource
from ibcollapse.features.stores.store import one_line
from ibcollapse.features.writer import FeatureWriter

__all__ = [
    "ChosenFeatures",
    "Classifier",
    "FeatureContents",
    "FeatureInspection",
    "FeatureSource",
    "FeatureWriter",
    "Features",
    "inspect_features",
    "one_line",
    "open_features",
]
