import numpy as np


def random_covariance(size, rng):
    root = rng.normal(size=(size, size))
    return root @ root.T / size


def naive_loss(weight, a0, c, loss, *, temperature=1.0, alignment=1.0, weight_decay=0.0):
    """The losses of theory §7 as they are written there."""
    gram = weight @ (a0 + c) @ weight.T
    data, noise = np.trace(weight @ a0 @ weight.T), np.trace(weight @ c @ weight.T)
    eye, t = np.eye(len(weight)), temperature
    decay = weight_decay * np.sum(weight**2)
    if loss == "spectral":
        return -2 * data + np.trace(gram @ gram) + decay
    if loss == "infonce-dot":
        return -data / t + np.trace(gram @ gram) / (2 * t**2) + decay
    if loss == "vicreg":
        return np.sum((gram - eye) ** 2) + 2 * alignment * noise + decay
    inside = gram / t
    entropy = np.linalg.slogdet(eye + inside)[1] + np.trace(np.linalg.solve(eye + inside, inside))
    return noise / t - entropy / 2 + decay
