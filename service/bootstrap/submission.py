"""What submissions need, as the settings describe it: prices, budgets, who sends them, who is told."""

from collections.abc import Callable
from dataclasses import dataclass

from service.background import Nudge
from service.bootstrap.provider import SOURCE
from service.catalog.catalog import Catalog
from service.domain.budget import budget_of
from service.domain.rules import Rules
from service.intake.asset_link import AssetLinkSigner
from service.intake.callback_token import TokenSigner
from service.observability import Metrics
from service.provider.client import ProviderClient
from service.settings import Settings
from service.submission.budgets import Budgets
from service.submission.outcome import Outcome, Submitted
from service.submission.price_list import Prices, load_prices
from service.submission.submit import Submitter
from service.submission.watch import Watch


@dataclass(frozen=True, slots=True)
class Submitting:
    """Everything about submissions that outlives a request."""

    prices: Prices
    budgets: Budgets
    submitter: Submitter
    watch: Watch


def prices_of(settings: Settings) -> Prices:
    """The price lists. Raises SettingsError for a file that is none."""
    return load_prices(settings.cost.prices)


def budgets_of(settings: Settings) -> Budgets:
    return Budgets(
        [
            budget_of(one.name, key=one.key, tag=one.tag, per=one.per, warn_usd=one.warn_usd, stop_usd=one.stop_usd)
            for one in settings.cost.budgets
        ]
    )


def submitting(
    settings: Settings,
    *,
    catalog: Catalog,
    provider: ProviderClient | None,
    signer: TokenSigner,
    link_signer: AssetLinkSigner,
    rules: Rules,
    metrics: Metrics,
    reconcile: Nudge,
) -> Submitting:
    """Who takes submissions, and who shows what became of them. Raises SettingsError for wrong prices."""
    prices, budgets = prices_of(settings), budgets_of(settings)
    submitter = Submitter(
        catalog=catalog,
        provider=provider,
        signer=signer,
        rules=rules,
        prices=prices,
        budgets=budgets,
        public_url=settings.public_url,
        tell=_counting(metrics),
        source=SOURCE,
    )
    watch = Watch(
        catalog=catalog,
        provider=provider,
        rules=rules,
        signer=link_signer,
        public_url=settings.public_url,
        reconcile=reconcile,
        source=SOURCE,
    )
    return Submitting(prices, budgets, submitter, watch)


def _counting(metrics: Metrics) -> Callable[[Outcome], None]:
    def tell(outcome: Outcome) -> None:
        if isinstance(outcome, Submitted):
            metrics.submitted("replayed" if outcome.replayed else "taken", warned=bool(outcome.budgets))
        else:
            metrics.submitted(outcome.reason.value)

    return tell
