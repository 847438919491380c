"""Samples whose class moments are exact, so that population formulas hold to rounding."""

import numpy as np

from ibcollapse.geometry import simplex_vertices


def noise(dimension, sigma):
    """2·d points of mean zero and covariance sigma² I (divided by n)."""
    axes = np.sqrt(dimension) * sigma * np.eye(dimension)
    return np.vstack([axes, -axes])


def simplex_network(n_classes, sigma, extra=0):
    """Unit simplex means with isotropic noise in n_classes − 1 + `extra` dimensions."""
    vertices = np.pad(simplex_vertices(n_classes), ((0, 0), (0, extra)))
    cloud = noise(vertices.shape[1], sigma)
    labels = np.repeat(np.arange(n_classes), len(cloud))
    return vertices[labels] + np.tile(cloud, (n_classes, 1)), labels


def simplex_pair(n_classes, sigma_a, sigma_b):
    """Two networks of the same simplex means with independent noise."""
    vertices = simplex_vertices(n_classes)
    cloud_a, cloud_b = (noise(n_classes - 1, s) for s in (sigma_a, sigma_b))
    a = np.repeat(cloud_a, len(cloud_b), axis=0)
    b = np.tile(cloud_b, (len(cloud_a), 1))
    labels = np.repeat(np.arange(n_classes), len(a))
    means = vertices[labels]
    return means + np.tile(a, (n_classes, 1)), means + np.tile(b, (n_classes, 1)), labels
