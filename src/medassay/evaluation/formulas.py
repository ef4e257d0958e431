"""The formula of each of a protocol's endpoints: the scorer's, and one that the protocol's words fit."""

from __future__ import annotations

from collections.abc import Mapping

from medassay.core.errors import WrongUse
from medassay.evaluation.figure_of_sums import is_proportion
from medassay.evaluation.protocol import OF_ANY, OF_AREAS, OF_PROPORTIONS, Endpoint, Interval, Protocol
from medassay.evaluation.scorer import Metric


def formulas_of(protocol: Protocol, metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    """Endpoint to its metric.

    Raises
    ------
    WrongUse
        When an endpoint's metric does not exist, an interval of its own is not made for such a figure, or the primary
        one is planned as another measure than it is.
    """
    found = {endpoint.id: metric_of(endpoint, metrics) for endpoint in protocol.endpoints}
    for endpoint in protocol.endpoints:
        made = intervals_of(found[endpoint.id])
        if endpoint.interval is not None and endpoint.interval not in made:
            raise WrongUse(
                found=f"interval '{endpoint.interval}'",
                wanted=f"one of {', '.join(made)}, which are made for {metric_name(endpoint)}",
                remedy="Name one of them, or none: the protocol's then counts.",
                where=f"endpoint {endpoint.id}",
            )
    area = found[protocol.primary].form == "area"
    for source, plan in sorted(protocol.sample_size.items()):
        if (plan.measure == "area") != area:
            raise WrongUse(
                found=f"a plan of {plan.measure} for {metric_name(protocol.of(protocol.primary))}",
                wanted="measure: area for an area under the ROC curve, and for nothing else",
                remedy="Plan the figure that the primary endpoint is.",
                where=f"sample_size.{source}",
            )
    return found


def intervals_of(metric: Metric) -> tuple[Interval, ...]:
    """The intervals that are made for such a figure.

    Examples
    --------
    >>> intervals_of(Metric({"fp": 1}, {"days": 1}, "/d", "lower", "no time"))
    ('percentile', 'bca')
    """
    if metric.form == "area":
        return (*OF_ANY, *OF_AREAS)
    return (*OF_ANY, *OF_PROPORTIONS) if is_proportion(metric) else OF_ANY


def metric_of(endpoint: Endpoint, metrics: Mapping[str, Metric]) -> Metric:
    """
    Raises
    ------
    WrongUse
        When the scorer has no metric of that name; those that it has are listed.
    """
    name = metric_name(endpoint)
    if name not in metrics:
        raise WrongUse(
            found=f"metric '{name}'",
            wanted=f"one of {', '.join(sorted(metrics))}",
            remedy="Correct the endpoint in the protocol.",
            where=f"endpoint {endpoint.id}",
        )
    return metrics[name]


def metric_name(endpoint: Endpoint) -> str:
    """How the scorer calls an endpoint's metric."""
    return endpoint.metric if endpoint.of is None else f"{endpoint.metric}[{endpoint.of}]"
