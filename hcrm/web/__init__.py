"""What every page needs: the time, the language, filters, forms, paging, assets and the counts of the navigation."""

from hcrm.web.assets import asset
from hcrm.web.counts import Count
from hcrm.web.forms import WEEKDAYS, BaseForm, choices
from hcrm.web.language import (
    LANGUAGES,
    best_language,
    choose_language,
    gettext,
    language,
    locale_code,
    ngettext,
    unfilled_ngettext,
    use_language,
)
from hcrm.web.paging import Page, page_number
from hcrm.web.request import bearer_token, is_safe_address, now, settings, wants_json
from hcrm.web.times import (
    local_date,
    local_datetime,
    local_time,
    long_date,
    month,
    number,
    percent,
    plain_date,
    weekday,
)

__all__ = [
    "LANGUAGES",
    "WEEKDAYS",
    "BaseForm",
    "Count",
    "Page",
    "asset",
    "bearer_token",
    "best_language",
    "choices",
    "choose_language",
    "gettext",
    "is_safe_address",
    "language",
    "local_date",
    "local_datetime",
    "local_time",
    "locale_code",
    "long_date",
    "month",
    "ngettext",
    "now",
    "number",
    "page_number",
    "percent",
    "plain_date",
    "settings",
    "unfilled_ngettext",
    "use_language",
    "wants_json",
    "weekday",
]
