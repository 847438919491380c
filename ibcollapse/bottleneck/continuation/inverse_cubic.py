"""The root of a function of which two points with slopes are known."""

# The cubic may correct Newton's step by this share of it.
_MOST_CORRECTION = 0.5


def step_to_root(
    value: float, slope: float, back: float, value_before: float, slope_before: float
) -> float:
    """How far the root is from a point, from another that lies `back` behind.

    Hermite's cubic for the place over the value: if the root is at a distance s, its error is of
    the order of s² (s + back)². Newton's step where the two points are not on one monotone branch,
    or the cubic would change it by more than half.
    """
    newton = -value / slope
    since = value - value_before
    if since == 0.0 or slope * slope_before <= 0.0:
        return newton
    t = -value / since
    # The cubic in t, which is 0 here and −1 there.
    here, there = since / slope, since / slope_before
    curved, bent = here - back, here + there - 2.0 * back
    step = t * (here + t * ((curved + bent) + t * bent))
    return step if abs(step - newton) <= _MOST_CORRECTION * abs(newton) else newton
