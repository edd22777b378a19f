"""What the names of columns say."""

import re
from collections.abc import Collection

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")


def every(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


NOT_IDS = ("paid", "valid", "fluid", "solid", "covid", "rapid", "humid", "liquid", "hybrid", "avoid", "grid", "void",
           "thyroid", "android", "steroid", "acid", "medicaid", "lipid", "madrid", "david")  # fmt: skip
PREFIXES = ("is", "has", "was", "will", "did", "had", "not")
TARGET = every("depvar dv target targets label labels outcome outcomes response y class dependent")
STRONG = every(
    "death died hospdead approve close adj_close life_exp lifeexp life_expectancy lwage phishing is_phishing "
    "default defaulted churn churned exited attrition survived survive fraud fraudulent spam species price "
    "saleprice diagnosis mpg medv salary wage wages quality sentiment malignant stroke readmitted readmission "
    "death_event heart_disease loan_status loan_approved purchase purchased converted conversion clicked click "
    "subscribed sales cnt bikers risk approved admitted admission tip delay house_value house_val home_value rent "
    "miles_per_gallon bad toxic default_payment affairs infected deceased strength hired promoted cultivar sick ill "
    "dead deny denied rejected recidivism two_year_recid no_show noshow turnover bankrupt bankruptcy delinquent edible "
    "poisonous dropout graduated recurrence relapse machine_failure responded won mortality"
)
CLEAR = every(
    "score scores rating ratings result revenue profit yield estimate emissions winner vote rings overall event "
    "observed censored cens case"
)
ENDS_CLEAR = every("score scores rating ratings")
WHOLE = every("total overall sum")
LIKELY = every(
    "income value status result results rating ratings stars score grade count cost charges charge revenue profit "
    "amount demand consumption load visitors rentals deposit accepted winner won win vote voted choice direction "
    "yield rings failure fault defect anomaly attack disease cancer tumor died dead death mortality relapse weather "
    "category type genre variety satisfaction survival balance energy power output weight area progression medals "
    "duration emission emissions fare points goals returned cancelled canceled renewed credit "
    "delivered late illness released ozone callback"
)
RELATIVE = every("from since per before prior at to by until after for")
RARELY = every(
    "age sex gender race year month day hour weekday weekend week holiday subject name country city region state zip "
    "latitude longitude longitud lat lon long lng easting northing url link occupation date time id "
    "dose treat treatment trt arm therapy rx intervention exposure"
)
NOT_THE_WHOLE = every("unit list original initial previous last min max mean avg std competitor base old")
MEAN = every("mean avg average")
DATES = every("date day dt dte ymd yyyymmdd ds calendar")
TIME_NAMES = ("date", "datetime", "timestamp", "time", "day", "ds", "created", "ordered", "period", "week", "month")
NOT_THE_TIME = every(
    "birth born dob founded built remodel remod blt expiry expires due end ended closed update updated modified "
    "deleted model garage vintage"
)
YEARS = ("year", "yr", "season")
ROUNDS = every("hour minute second quarter wave round visit trial t occasion weekday season year yr")
THINGS = every(
    "customer client patient user member person subject device session household store shop firm company branch "
    "machine engine unit vehicle employee student school player participant individual animal mouse chick sensor "
    "station site meter account respondent worker panel pid sid uid country child mother family donor cell "
    "symbol ticker item sku product batch lot tree plant rat dog cow prof professor instructor teacher hospital clinic "
    "driver vendor supplier merchant seller"
)
QUANTITY = every("years year months days hours size count num total mean avg age rate at in per since distance income")
KEYS = every("id uuid guid key")
IDS = every(
    "id uuid guid key index idx rowid rownames rowname no nr number ref reference serial "
    "seqn seqno sno srno slno rowno obs"
)
CODES = every("code type kind class category cat cluster group region zone zip zipcode postcode sector grade")
ORDERED = every(
    "quality rating ratings score grade stars level rank satisfaction severity stage rings age points likert "
    "importance health"
)
COUNTS = every(
    "count counts cnt number num visits sales events claims goals visitors rentals bikers accidents deaths births "
    "calls orders clicks breaks strikes frequency rented n trips views"
)
DURATIONS = every(
    "duration time delay wait seconds minutes hours days months lifetime survival tenure futime stop elapsed"
)
EVENTS = every("event censored censor censors cens status death died dead fustat observed uncensored delta")
SURVIVAL_TIMES = every(
    "time stime survival futime followup follow_up survtime survivaltime os pfs dfs rfs lifetime stop overall_survival "
    "survival_time time_to_event time_to_death to_death to_event followup_time follow_up_time observation_time"
)
EVENT_MARKS = every("d e ev event delta status stat cens censor censored ind indicator")
TIME_MARKS = every("t tt time days months years futime")
UNITS = every("in d day days m month months week weeks w y yr yrs year years of")
CENSORED = every("observed censored cens event uncensored")  # events by no other name
SPANS = every("diff duration elapsed length")
VERDICTS = every("good bad approved rejected accepted denied pass fail passed failed won lost dead alive died survived")
BOTH = every("yes no true false t f y n 0 1 2 d a")
FATES = every("dead alive died deceased living censored event uncensored")  # values of an event
EARLIER = ("prev", "prior", "hist")
OF_SURVIVAL = every("survived survival survive alive died dead death")
AFTERWARDS = every("prediction predicted y_pred pred closed_at resolved_at deceased_at censored censor cens censors")
PEOPLE = every(
    "age income salary wage marital education occupation job name surname employed employment unemployed married "
    "children dependents customer patient person employee smoker bmi pregnant pregnancies birth citizenship citizen "
    "nationality race ethnicity gender sex religion passenger passengers pclass student applicant borrower "
    "household housing family spouse parch sibsp relationship insurance hours_per_week cholesterol chol "
    "blood_pressure trestbps credit loan disability tenure senior voter respondent siblings "
    "workclass department degree gpa glucose"
)
SENSITIVE = every(
    "sex gender race ethnicity ethnic religion nationality disability disabled orientation marital pregnant pregnancy"
)
SEXES = every(
    "m f male female man woman men women boy girl 0 1 2 w d x divers diverse other unknown u n/a nonbinary non-binary "
    "h homme femme mann frau masculine feminine masculino femenino true false"
)
PARTS = every("split fold set subset partition part")


def parts(name: str) -> list[str]:
    """The words of a name in small letters: ``SalePrice`` and ``sale_price`` are sale and price, ``userid`` is
    user and id."""
    found = [part.lower() for part in _PARTS.findall(name)]
    if found and len(found[-1]) > 4 and found[-1].endswith("id") and not found[-1].endswith(NOT_IDS):
        found[-1:] = [found[-1].removesuffix("id"), "id"]
    return found


def plain(name: str) -> str:
    """The words of a name, joined by underscores."""
    return "_".join(parts(name))


def ends_in(name: str, words: Collection[str]) -> bool:
    """Whether a name is one of these words, or its last word or last words are."""
    found = parts(name)
    return any("_".join(found[at:]) in words for at in range(len(found)))


def holds(name: str, words: Collection[str]) -> bool:
    """Whether one of a name's words, or the whole, is one of these."""
    found = parts(name)
    return "_".join(found) in words or any(part in words for part in found)


def is_death(name: str) -> bool:
    """Whether a name is about dying: `death`, `hospdead`, `alive`."""
    return holds(name, OF_SURVIVAL) or plain(name).endswith(("dead", "death", "died"))


def a(word: str) -> str:
    """The word with its article."""
    return f"a{'n' if word[:1] in 'aeiouAEIOU' else ''} {word}"


def listed(names: Collection[str], most: int = 5) -> str:
    """Some names for a comment: ``'a', 'b' and 3 more``."""
    some = [f"'{name}'" for name in names][:most]
    if len(names) > most:
        return f"{', '.join(some)} and {len(names) - most:,} more"
    return " and ".join([", ".join(some[:-1]), some[-1]]) if len(some) > 1 else "".join(some)
