"""The cost of the stack, from US dollar list prices of us-west-2. Most other regions differ by less than a third."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from infra.settings import InfraSettings

AS_OF = "2026-11"
SOURCE = "https://aws.amazon.com/redshift/pricing/"
HOURS_PER_MONTH = 730
# On-demand price per node and hour. None: unknown here, see the price list.
NODE_HOUR = {
    "rg.large": Decimal("0.38"),
    "rg.xlarge": Decimal("0.76"),
    "rg.4xlarge": None,
    "rg.12xlarge": None,
    "ra3.large": Decimal("0.543"),
    "ra3.xlplus": Decimal("1.086"),
    "ra3.4xlarge": Decimal("3.26"),
    "ra3.16xlarge": Decimal("13.04"),
}
RPU_HOUR = Decimal("0.36")
PUBLIC_ADDRESS_HOUR = Decimal("0.005")
SECRET_MONTH = Decimal("0.40")
STORAGE_GB_MONTH = Decimal("0.024")


@dataclass(frozen=True)
class Cost:
    """Dollars per hour that are charged even when idle (None: unknown), and a note on other costs."""

    hourly: Decimal | None = Decimal(0)
    note: str = ""

    @property
    def monthly(self) -> Decimal | None:
        return None if self.hourly is None else self.hourly * HOURS_PER_MONTH


def cluster_cost(settings: InfraSettings) -> Cost:
    price = NODE_HOUR[settings.node_type]
    note = f"plus ${STORAGE_GB_MONTH} per GB and month; only storage while paused"
    if price is None:
        return Cost(None, f"see {SOURCE} for the price of {settings.node_type}")
    hourly = price * settings.nodes * (2 if settings.multi_az else 1)
    hourly += SECRET_MONTH / HOURS_PER_MONTH + (PUBLIC_ADDRESS_HOUR if settings.public else 0)
    return Cost(hourly, note)


def workgroup_cost(settings: InfraSettings) -> Cost:
    """Next to nothing while idle; while queries run, RPU by the second with a minimum of one minute."""
    busy = settings.base_capacity * RPU_HOUR
    most = settings.usage_limit * RPU_HOUR
    standing = SECRET_MONTH / HOURS_PER_MONTH + (PUBLIC_ADDRESS_HOUR if settings.public else 0)
    note = f"plus ${busy:.2f}/h while queries run; the usage limit stops them at ${most:.2f} a day"
    return Cost(standing, f"{note}; ${STORAGE_GB_MONTH} per GB and month")


def total(costs: list[Cost]) -> Cost:
    known = [cost.hourly for cost in costs]
    hourly = None if None in known else sum((price for price in known if price is not None), Decimal(0))
    return Cost(hourly, "; ".join(cost.note for cost in costs if cost.note))


def cost_line(cost: Cost, region: str) -> str:
    """One sentence: the cost per hour and month, and which prices it is based on."""
    where = "" if region == "us-west-2" else f" for us-west-2; {region} may differ"
    if cost.hourly is None:
        return f"Cost: {cost.note}."
    return f"Cost: ${cost.hourly:.3f}/h, ${cost.monthly:.0f} a month (list prices of {AS_OF}{where}), {cost.note}."
