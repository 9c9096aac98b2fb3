"""Where the matter is: district, street office and the address, as far as the caller said it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hotline.drafts.found import Named, just_before
from hotline.units.gazetteer import Kind, Place, find_places

_NOT_THERE = re.compile(r"(?:不是|不在|不属于|并非)(?:在|是|我们|那个|成都市?)?$")
_CORRECTION = re.compile(r"不对|错了|说错|应该是|不是")
# 我在青羊上班, 我人在郫都, 户口在眉山, 我们是崇州的: where the caller is from, if the matter has another place.
_CALLER_AT = re.compile(
    r"(?:(?:我人|户口|老家|老屋|单位|娘家|女方|男方|上班)(?:现在)?(?:还)?(?:在|是)"
    r"|我(?:们)?(?:屋头|家)?(?:现在)?(?:住在?|是)|我(?:们)?(?:屋头|家)在)$"
)
_CALLER_DOES = re.compile(r"(?:那边|这边)?(?:上班|打工|工作|出差|读书|住(?:起|的)?|的人|人(?![行工民家在都])|过来)")
_SAID_BY_ALIAS, _FOLLOWS_FROM_STREET, _FOLLOWS_FROM_SPOT = 0.75, 0.8, 0.6

_NUMBER = r"[0-9零〇一二三四五六七八九十百千两幺]+"
# Characters that end what can be a name: a caller's grammar, not the city's.
_NAME = r"(?:(?![的在是了我你他有住这那就们到从和跟把被于离给说个没也都不看见])[\u4e00-\u9fff])"
_ROAD = rf"{_NAME}{{1,6}}?(?:大道|环路|路(?![灯面上边人过费基口中障])|街(?![道上头边坊])|巷(?![道里])|胡同)"
_PART = rf"(?:[东西南北中]段|[东西南北中]?{_NUMBER}段)?"
_HOUSE = rf"(?:{_NUMBER}号?附?(?:{_NUMBER})?(?:号院|号楼(?!下)|号|弄|栋|幢|座|单元|楼(?!下)|层|室))+"
_ESTATE = rf"{_NAME}{{2,8}}?(?:小区|花园|家园|公寓|大厦|广场|公园|医院|小学|中学|幼儿园|菜市场|市场|社区|村|地铁站|苑)"
_BESIDE = r"(?:的?(?:附近|门口|对面|旁边|旁|路口|十字路口|楼下|背后|后面|里面))?"
_ADDRESS = re.compile(rf"(?:{_ROAD}{_PART}(?:{_HOUSE})?(?:{_ESTATE})?(?:{_HOUSE})?|{_ESTATE}(?:{_HOUSE})?){_BESIDE}")
# A road of no name, and what a caller says before one.
_NAMELESS = re.compile(
    r"^(?:马路|公路|道路|铁路|电路|线路|网路|走路|[一两几条]+路|小路|大路|街|大街|巷|[一-龥]?(?:小区|社区|村|市场|医院))$"
)
_LEAD_IN = re.compile(
    r"^(?:喂|你好|您好|请问|反映|投诉|咨询|举报|因为|然后|现在|今天|昨天|位于|地址|靠近|家|咱|想|要|呢|啊|嗯|呃|，)+"
)
_COMMUNITY = re.compile(
    r"(?:^|(?<=[\0在是的，。,]))((?![我你他这那本某各哪一])(?:(?![的在是了我你])[一-龥]){2,6}?社区)(?!书记|主任|干部|网格|医院|卫生|的?人)"
)
_CUT = "\0"
_SPOTS = (Kind.LANDMARK, Kind.ROAD, Kind.METRO)


@dataclass(frozen=True, slots=True)
class Location:
    district: Named | None
    street: Named | None
    community: Named | None
    address: Named | None


def find_location(text: str) -> Location:
    """What `text` says of the place; a district may follow from a place that lies in only one."""
    places = [place for place in find_places(text) if not just_before(_NOT_THERE, text, place.start)]
    callers = [place for place in places if _only_the_callers(text, place)]
    there = [place for place in places if not any(_one_breath(place, other) for other in callers)]
    found = _location(text, there, places)
    return found if found.district else _location(text, places, places)


def _location(text: str, there: Sequence[Place], places: Sequence[Place]) -> Location:
    """From the places where the matter may be, `there`."""
    said = _choose(text, there, Kind.DISTRICT)
    street = _choose(text, there, Kind.STREET)
    spots = [_choose(text, there, kind) for kind in _SPOTS]
    if said and street and said.name not in street.districts:
        street = None  # one of the two was misheard: the agent asks for it
    district = None
    if said:
        district = Named(said.name, said.start, said.end, 0.95 if said.exact else _SAID_BY_ALIAS)
    else:
        certain = [place for place in there if len(place.districts) == 1]
        for place in (street, *(_choose(text, certain, kind) for kind in _SPOTS)):
            if place and len(place.districts) == 1:
                confidence = _FOLLOWS_FROM_STREET if place is street else _FOLLOWS_FROM_SPOT
                district = Named(place.districts[0], place.start, place.end, confidence)
                break
    return Location(
        district,
        Named(street.name, street.start, street.end, 0.95 if street.exact else _SAID_BY_ALIAS) if street else None,
        _community(text),
        _address(text, places, next((spot for spot in spots if spot), None)),
    )


def _community(text: str) -> Named | None:
    """The community that is named (洗面桥社区); 我们社区 is none."""
    open_text = _without_offices(text)
    match = _COMMUNITY.search(open_text)
    return Named(text[match.start(1) : match.end(1)], match.start(1), match.end(1), 0.7) if match else None


def _only_the_callers(text: str, place: Place) -> bool:
    """Whether it is where the caller is, works or comes from, while the matter is elsewhere."""
    return just_before(_CALLER_AT, text, place.start) is not None or _CALLER_DOES.match(text, place.end) is not None


def _one_breath(one: Place, other: Place) -> bool:
    """Whether they are one, or said as one: 东部新区玉成街道."""
    return one == other or one.end == other.start or other.end == one.start


def _choose(text: str, places: Sequence[Place], kind: Kind) -> Place | None:
    """The first named, or the one named after the caller took it back."""
    chosen: Place | None = None
    for place in places:
        if place.kind is kind and (
            chosen is None or (place.name != chosen.name and _CORRECTION.search(text, chosen.end, place.start))
        ):
            chosen = place
    return chosen


def _without_offices(text: str) -> str:
    """`text` with the names of districts and street offices cut out, as long as before."""
    open_text = list(text)
    for place in find_places(text):
        if place.kind in (Kind.DISTRICT, Kind.STREET):
            open_text[place.start : place.end] = _CUT * (place.end - place.start)
    return "".join(open_text)


def _address(text: str, places: Sequence[Place], spot: Place | None) -> Named | None:
    """The longest road, house or estate named; else the landmark, road or station of the gazetteer."""
    best: Named | None = None
    for match in _ADDRESS.finditer(_without_offices(text)):
        start = match.start()
        if lead_in := _LEAD_IN.match(match.group()):
            start += lead_in.end()
        value = text[start : match.end()]
        if len(value) >= 3 and not _NAMELESS.match(value) and (best is None or len(value) > len(best.value)):
            best = Named(value, start, match.end(), 0.6)
    if best is None and spot:
        return Named(spot.name, spot.start, spot.end, 0.5)
    return best
